"""PostgreSQL's statements as text."""

from deploytool.platforms.postgresql import role_sql


def test_names_and_passwords_cannot_break_out_of_the_statements() -> None:
    sql = role_sql("sh'op", {'ro"le': "pass"})
    assert "datname = 'sh''op'" in sql
    assert 'ALTER ROLE "ro""le" LOGIN PASSWORD \'pass\';' in sql
    assert sql.startswith("SET log_min_error_statement = panic;"), "no password in the log"
