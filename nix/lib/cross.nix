/**
  What is different where one platform builds for another one.

  # Type

  ```
  cross :: stdenv -> {
    isCross :: bool;
    environment :: { os, cpu, libc } -> AttrSet; # tells install scripts and node-gyp the target
  }
  ```

  # Example

  ```nix
  (cross {
    buildPlatform.system = "x86_64-linux";
    hostPlatform.system = "aarch64-linux";
  }).environment { os = "linux"; cpu = "arm64"; libc = "glibc"; }
  => { npm_config_arch = "arm64"; npm_config_libc = "glibc"; npm_config_platform = "linux"; }
  ```
*/
stdenv:
let
  platformOf = import ./platform.nix;
  host = stdenv.hostPlatform;
  build = stdenv.buildPlatform or host;
  # glibc and musl of one processor have the same system.
  isCross = build.system != host.system || platformOf build != platformOf host;
in
{
  inherit isCross;
  environment =
    platform:
    if isCross then
      {
        npm_config_arch = platform.cpu;
        npm_config_platform = platform.os;
      }
      // (if platform.libc == null then { } else { npm_config_libc = platform.libc; })
    else
      { };
}
