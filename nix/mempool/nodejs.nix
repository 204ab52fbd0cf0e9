# The Node.js that a release asks for, or where nixpkgs no longer has it, or marks it as insecure,
# the next newer one.
#
# Type: nodejsFor :: pkgs -> major -> package
#
# Example:
#   nodejsFor { nodejs_20 = "twenty"; nodejs_24 = "twenty-four"; } 16
#   => "twenty"
pkgs: major:
let
  # nixpkgs keeps names of removed packages as aliases that throw.
  present = name: pkgs ? ${name} && (builtins.tryEval (isSecure pkgs.${name})).value;
  # One with known vulnerabilities is an evaluation error to whoever did not permit it.
  isSecure = package: (package.meta.knownVulnerabilities or [ ]) == [ ];
  majors = builtins.genList (offset: major + offset) 20;
  found = builtins.filter (number: present "nodejs_${toString number}") majors;
in
if found == [ ] then pkgs.nodejs else pkgs."nodejs_${toString (builtins.head found)}"
