"""Status pages: what outsiders may read about how things are.

Components follow the incidents of services, people overrule them and write notices in plain words. Nothing internal
stands on a page: neither titles, numbers, teams nor people.
"""
