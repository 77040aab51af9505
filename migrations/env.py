"""Runs migrations inside the application, each in one transaction on both databases, however long it takes."""

import warnings

from alembic import context
from flask import current_app
from sqlalchemy import text

from app.core.db import Base, db

with db.engine.connect() as connection:
    if connection.dialect.name == "postgresql":  # a large table takes longer than a page may
        connection.execute(text("SET statement_timeout = 0"))
        connection.commit()
    else:  # a table that others refer to is made anew: not in a transaction yet, where this would do nothing
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    options = dict(current_app.extensions["migrate"].configure_args)
    options.setdefault("transactional_ddl", True)
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True, **options)
    try:
        with context.begin_transaction(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipped unsupported reflection")  # 0055 makes the index anew
            context.run_migrations()
    finally:
        connection.invalidate()  # the next who gets one has a limit again
