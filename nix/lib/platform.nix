# The platform in npm's words, which are those of `process.platform` and `process.arch`.
#
# Type: platformOf :: hostPlatform -> { os, cpu, libc }
#
# hostPlatform: an attribute set with `system`, and `isMusl` where that is so (nixpkgs'
# `stdenv.hostPlatform`).
#
# Example:
#   platformOf { system = "x86_64-linux"; }
#   => { os = "linux"; cpu = "x64"; libc = "glibc"; }
hostPlatform:
let
  parts = builtins.match "([^-]+)-([a-z]+)([0-9.]*)(-.*)?" hostPlatform.system;
  processor = builtins.elemAt parts 0;
  system = builtins.elemAt parts 1;
  operatingSystems = {
    solaris = "sunos";
    windows = "win32";
  };
  cpus = {
    aarch64 = "arm64";
    i386 = "ia32";
    i486 = "ia32";
    i586 = "ia32";
    i686 = "ia32";
    loongarch64 = "loong64";
    powerpc64 = "ppc64";
    powerpc64le = "ppc64";
    x86_64 = "x64";
  };
  isArm = builtins.match "arm(v[5-8].*)?" processor != null;
in
{
  os = operatingSystems.${system} or system;
  cpu = if isArm then "arm" else cpus.${processor} or processor;
  libc =
    if system != "linux" then
      null
    else if hostPlatform.isMusl or false then
      "musl"
    else
      "glibc";
}
