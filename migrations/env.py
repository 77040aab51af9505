"""Runs migrations inside the application, each in one transaction on both databases."""

from alembic import context
from flask import current_app

from app.core.db import Base, db

with db.engine.connect() as connection:
    options = dict(current_app.extensions["migrate"].configure_args)
    options.setdefault("transactional_ddl", True)
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True, **options)
    with context.begin_transaction():
        context.run_migrations()
