# The unit that makes a backend's database and its user, if they are not there, and sets how the
# user logs in: with a password from a file, or by being the backend's own user on this machine.
#
# Type: databaseUnit :: { name, script, shell, client, database, user, socket, passwordFile ? null }
#   -> unit
#
# client: the package with MariaDB's or MySQL's client. socket: the server's.
{
  name,
  script,
  shell,
  client,
  database,
  user,
  socket,
  passwordFile ? null,
}:
{
  description = "Database of the mempool backend, ${name}";
  # Wanted and not required, by the backend as of the server: what fails at first is tried again,
  # and a dependency that failed once would keep the backend down for good.
  wantedBy = [ "mempool-${name}.service" ];
  before = [ "mempool-${name}.service" ];
  wants = [ "mysql.service" ];
  after = [ "mysql.service" ];
  startLimitIntervalSec = 0;
  path = [ client ];
  environment = {
    DATABASE_NAME = database;
    DATABASE_USER = user;
    DATABASE_SOCKET = socket;
  };
  serviceConfig =
    removeAttrs (import ./hardening.nix) [ "CapabilityBoundingSet" ]
    // {
      Type = "oneshot";
      RemainAfterExit = true;
      Restart = "on-failure";
      RestartSec = 10;
      # MariaDB knows its administrator by this.
      User = "root";
      ExecStart = "${shell} ${script}";
    }
    // (if passwordFile == null then { } else { LoadCredential = [ "password:${passwordFile}" ]; });
}
