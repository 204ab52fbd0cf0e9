# The platform in npm's words.
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
  os = builtins.elemAt parts 1;
  cpus = {
    aarch64 = "arm64";
    armv6l = "arm";
    armv7l = "arm";
    i686 = "ia32";
    loongarch64 = "loong64";
    powerpc64le = "ppc64";
    x86_64 = "x64";
  };
in
{
  inherit os;
  cpu = cpus.${processor} or processor;
  libc =
    if os != "linux" then
      null
    else if hostPlatform.isMusl or false then
      "musl"
    else
      "glibc";
}
