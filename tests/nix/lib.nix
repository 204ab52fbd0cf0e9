# Expected values of the library's pure functions: each attribute is a list of what was got and what
# was expected.
let
  platformOf = import ../../nix/lib/platform.nix;
  wanted = import ../../nix/lib/wanted.nix;
  registryOf = import ../../nix/lib/registry.nix;
  manifest = import ../../nix/lib/manifest.nix;

  linux = platformOf { system = "x86_64-linux"; };
  packages = {
    "node_modules/@s/a" = {
      version = "1.0.0";
      src = "/a.tgz";
    };
    "node_modules/b" = {
      version = "2.0.0";
      src = "/b.tgz";
      name = "@s/a";
      dev = true;
    };
    "node_modules/c/node_modules/d" = {
      version = "1.0.0";
      src = "/d.tgz";
      optional = true;
      os = [ "darwin" ];
    };
    "node_modules/local" = {
      link = "local";
    };
    "node_modules/in" = {
      version = "1.0.0";
      inBundle = true;
    };
    local = {
      directory = "local";
    };
  };
  given =
    arguments:
    manifest (
      {
        platform = linux;
        inherit packages;
      }
      // arguments
    );
  fails = value: !(builtins.tryEval (builtins.deepSeq value value)).success;
in
{
  platforms = [
    (map platformOf [
      { system = "x86_64-linux"; }
      {
        system = "aarch64-linux";
        isMusl = true;
      }
      { system = "aarch64-darwin"; }
      { system = "i686-linux"; }
      { system = "riscv64-linux"; }
    ])
    [
      {
        os = "linux";
        cpu = "x64";
        libc = "glibc";
      }
      {
        os = "linux";
        cpu = "arm64";
        libc = "musl";
      }
      {
        os = "darwin";
        cpu = "arm64";
        libc = null;
      }
      {
        os = "linux";
        cpu = "ia32";
        libc = "glibc";
      }
      {
        os = "linux";
        cpu = "riscv64";
        libc = "glibc";
      }
    ]
  ];

  moreSystems = [
    (map (system: platformOf { inherit system; }) [
      "armv7a-linux"
      "x86_64-windows"
      "powerpc64-linux"
      "x86_64-freebsd"
    ])
    [
      {
        os = "linux";
        cpu = "arm";
        libc = "glibc";
      }
      {
        os = "win32";
        cpu = "x64";
        libc = null;
      }
      {
        os = "linux";
        cpu = "ppc64";
        libc = "glibc";
      }
      {
        os = "freebsd";
        cpu = "x64";
        libc = null;
      }
    ]
  ];

  crossCompilationTellsTheTarget = [
    (
      let
        glibc.system = "x86_64-linux";
        musl = glibc // {
          isMusl = true;
        };
        from =
          buildPlatform: hostPlatform:
          (import ../../nix/lib/cross.nix { inherit buildPlatform hostPlatform; }).environment (
            platformOf hostPlatform
          );
      in
      [
        (from glibc glibc)
        (from glibc musl)
        (from glibc { system = "aarch64-darwin"; })
        (import ../../nix/lib/cross.nix { hostPlatform = glibc; }).isCross
      ]
    )
    [
      { }
      {
        npm_config_arch = "x64";
        npm_config_platform = "linux";
        npm_config_libc = "musl";
      }
      {
        npm_config_arch = "arm64";
        npm_config_platform = "darwin";
      }
      false
    ]
  ];

  fittingPackagesAreWanted = [
    (map (wanted linux [ ] "node_modules/a") [
      { }
      {
        optional = true;
        os = [ "darwin" ];
      }
      {
        optional = true;
        os = [
          "!win32"
          "!darwin"
        ];
      }
      {
        optional = true;
        cpu = [ "any" ];
      }
      {
        optional = true;
        os = [ "linux" ];
        cpu = [ "x64" ];
        libc = [ "musl" ];
      }
      {
        optional = true;
        os = [ "!linux" ];
      }
      # npm fails on these; so shall the assembler, which can say so
      { os = [ "darwin" ]; }
    ])
    [
      true
      false
      true
      true
      false
      false
      true
    ]
  ];

  whatMayBeNeededIsWantedWhateverIsOmitted = [
    [
      (wanted linux [ "dev" ] "packages/a/node_modules/b" { dev = true; })
      (wanted linux [ "dev" ] "node_modules/b" { extraneous = true; })
      (wanted linux [ "dev" ] "node_modules/b" {
        dev = true;
        kept = true;
      })
    ]
    [
      true
      true
      true
    ]
  ];

  omittedGroupsAreNotWanted = [
    (map
      (
        groups:
        map (wanted linux groups "node_modules/a") [
          { dev = true; }
          { devOptional = true; }
          { peer = true; }
          { }
        ]
      )
      [
        [ "dev" ]
        [
          "dev"
          "optional"
        ]
        [ "peer" ]
      ]
    )
    [
      [
        false
        true
        true
        true
      ]
      [
        false
        false
        true
        true
      ]
      [
        true
        true
        false
        true
      ]
    ]
  ];

  registries = [
    (map registryOf [
      { }
      { pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz"; }
      { pnpm.src.urls = [ "https://mirror.example/npm/pnpm/-/pnpm-9.0.0.tgz" ]; }
      { pnpm.src.url = "https://forge.example/pnpm.tar.gz"; }
    ])
    [
      null
      "https://registry.example/"
      "https://mirror.example/npm/"
      null
    ]
  ];

  entries = [
    (given {
      allowScripts = [
        "@s/a"
        "node_modules/c/node_modules/d"
      ];
      overrides.d = package: { src = "/other-${package.version}.tgz"; };
      localDependencies.local = "/local";
      omit = [ "dev" ];
    })
    {
      packages = {
        "node_modules/@s/a" = {
          version = "1.0.0";
          tarball = "/a.tgz";
        };
        "node_modules/b" = {
          version = "2.0.0";
          name = "@s/a";
          dev = true;
        };
        "node_modules/c/node_modules/d" = {
          version = "1.0.0";
          optional = true;
          os = [ "darwin" ];
        };
        "node_modules/local" = {
          link = "local";
        };
        "node_modules/in" = {
          version = "1.0.0";
          inBundle = true;
        };
        local = {
          directory = "/local";
        };
      };
      recorded = { };
      scripts = [
        "node_modules/@s/a"
        "node_modules/b"
        "node_modules/c/node_modules/d"
      ];
      omit = [ "dev" ];
      os = "linux";
      cpu = "x64";
      libc = "glibc";
    }
  ];

  gitDependencies = [
    (
      let
        git = {
          version = "1.0.0";
          src = "/tree";
          rev = "abc";
          subdirectory = "sub";
        };
        built = git // {
          prepare."node_modules/tool" = {
            version = "1.0.0";
            src = "/tool.tgz";
          };
        };
        arguments = {
          packages = {
            "node_modules/as-it-is" = git;
            "node_modules/built" = built;
            "node_modules/replaced" = built;
          };
          overrides.replaced = "/other.tgz";
          # one that only building needs, and one that is built
          allowScripts = [
            "tool"
            "built"
          ];
          prepare =
            { package, runsScripts }:
            "${package.src}, with ${toString (builtins.attrNames package.prepare)}${
              if runsScripts then ", and scripts" else ""
            }";
        };
      in
      {
        inherit (given arguments) packages scripts;
        unknown = fails (given (arguments // { allowScripts = [ "nobody" ]; }));
      }
    )
    {
      packages = {
        "node_modules/as-it-is" = {
          version = "1.0.0";
          rev = "abc";
          subdirectory = "sub";
          tree = "/tree/sub";
        };
        "node_modules/built" = {
          version = "1.0.0";
          rev = "abc";
          subdirectory = "sub";
          tarball = "/tree, with node_modules/tool, and scripts";
        };
        "node_modules/replaced" = {
          version = "1.0.0";
          rev = "abc";
          subdirectory = "sub";
          tarball = "/other.tgz";
        };
      };
      scripts = [ "node_modules/built" ];
      unknown = true;
    }
  ];

  denialsWin = [
    (given {
      allowScripts = [ "@s/a" ];
      denyScripts = [ "@s/a@2.0.0" ];
    }).scripts
    [ "node_modules/@s/a" ]
  ];

  namesWithVersions =
    let
      inherit (import ../../nix/lib/names.nix packages) installPathsOf knows;
    in
    [
      {
        one = installPathsOf "x" "@s/a@2.0.0";
        both = installPathsOf "x" "@s/a@1.0.0 || 2.0.0";
        any = installPathsOf "x" "@s/a@*";
        other = knows "@s/a@3.0.0";
        fails = fails (installPathsOf "x" "@s/a@3.0.0");
      }
      {
        one = [ "node_modules/b" ];
        both = [
          "node_modules/@s/a"
          "node_modules/b"
        ];
        any = [
          "node_modules/@s/a"
          "node_modules/b"
        ];
        other = false;
        fails = true;
      }
    ];

  closures =
    let
      closureOf = import ../../nix/lib/closure.nix {
        packages = {
          "node_modules/a" = { };
          "node_modules/b" = { };
          "node_modules/a/node_modules/c" = { };
          "node_modules/c" = { };
          "node_modules/w".link = "packages/w";
          "packages/w" = { };
          "packages/w/node_modules/b" = { };
        };
        entries = {
          "node_modules/a" = {
            dependencies.c = "*";
            optionalDependencies.gone = "*";
          };
          "node_modules/a/node_modules/c".peerDependencies.b = "*";
          "node_modules/b".dependencies.a = "*";
          "packages/w".dependencies = {
            b = "*";
            c = "*";
          };
        };
      };
      everything = import ../../nix/lib/closure.nix { packages.x = { }; };
    in
    [
      {
        cycle = closureOf "node_modules/a";
        link = closureOf "node_modules/w";
        unknown = everything "x";
      }
      {
        cycle = [
          "node_modules/a"
          "node_modules/a/node_modules/c"
          "node_modules/b"
        ];
        link = [
          "node_modules/w"
          "packages/w"
          "packages/w/node_modules/b"
          "node_modules/c"
        ];
        unknown = [ "x" ];
      }
    ];

  unknownNamesFail = [
    (map fails [
      (given { allowScripts = [ "nobody" ]; })
      (given { overrides.nobody = "/x"; })
      (given { localDependencies.nobody = "/x"; })
      (given { allowScripts = [ "local" ]; })
    ])
    [
      true
      true
      true
      false
    ]
  ];
}
