# shellcheck shell=bash
# Makes a database and its user; running it again changes nothing but the user's password.
#
# DATABASE_NAME, DATABASE_USER, DATABASE_SOCKET: as the unit gives them. The password is the credential `password`;
# without one, the system's user of that name logs in over the socket. What is secret goes to the
# client's standard input, never to a command line.
set -eu -o pipefail

client=("$(command -v mariadb || command -v mysql)" "--socket=$DATABASE_SOCKET" --batch)

# Text in quotes, for SQL; names in backquotes.
text() {
  local quoted=${1//\\/\\\\}
  printf "'%s'" "${quoted//\'/\'\'}"
}
# \140 is a backquote.
name() { printf '\140%s\140' "${1//\`/\`\`}"; }

user=$(text "$DATABASE_USER")
if [ -e "${CREDENTIALS_DIRECTORY:-/nonexistent}/password" ]; then
  login="BY $(text "$(cat "$CREDENTIALS_DIRECTORY/password")")"
else
  # The system's user of that name logs in; MySQL and MariaDB have a plugin each for that.
  case $("${client[@]}" --skip-column-names --execute="SELECT VERSION()") in
    *MariaDB*) login="WITH unix_socket" ;;
    *) login="WITH auth_socket" ;;
  esac
fi

"${client[@]}" <<END
CREATE DATABASE IF NOT EXISTS $(name "$DATABASE_NAME");
CREATE USER IF NOT EXISTS $user@'localhost';
ALTER USER $user@'localhost' IDENTIFIED $login;
GRANT ALL PRIVILEGES ON $(name "$DATABASE_NAME").* TO $user@'localhost';
END
