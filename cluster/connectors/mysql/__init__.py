"""MySQL (5.7 or newer) and MariaDB (10.3 or newer), by the pure Python driver PyMySQL."""
