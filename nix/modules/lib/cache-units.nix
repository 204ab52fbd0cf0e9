# The units of a binary cache: what reads the tokens, what removes old paths, what pushes.
#
# Type: cacheUnits :: { program, bash, nix, group, directory, tokenFiles, tokensScript, keepSince,
#   keepRoots ? null, push } -> { tokens, gc, push }
#
# program, bash, nix: packages. group: nginx's user and group. tokenFiles: with a token each.
# tokensScript: runtime/cache-tokens.sh. keepSince, keepRoots: what `cache-gc` keeps. push:
# { to, tokenFile, keyFiles, upstreams, upstreamKeys, compression }.
{
  program,
  bash,
  nix,
  group,
  directory,
  tokenFiles,
  tokensScript,
  keepSince,
  keepRoots ? null,
  push,
}:
let
  hardening = import ./hardening.nix;
  quote = import ./quote.nix;

  numbered =
    name: files:
    builtins.genList (number: {
      id = "${name}-${toString number}";
      file = builtins.elemAt files number;
    }) (builtins.length files);
  load = map ({ id, file }: "${id}:${file}");
  each = option: builtins.concatMap (value: [ option (quote value) ]);
  command =
    words: builtins.concatStringsSep " " ([ "${program}/bin/npm2nixlite" ] ++ words);

  tokens = numbered "token" tokenFiles;
  keys = numbered "key" push.keyFiles;
  pushToken = if push.tokenFile == null then [ ] else numbered "token" [ push.tokenFile ];
in
{
  tokens = {
    description = "Tokens of those who may push to the binary cache";
    before = [ "nginx.service" ];
    requiredBy = [ "nginx.service" ];
    serviceConfig = hardening // {
      Type = "oneshot";
      RemainAfterExit = true;
      Group = group;
      UMask = "0027";
      RuntimeDirectory = "npm2nixlite-cache";
      RuntimeDirectoryMode = "0750";
      LoadCredential = load tokens;
      ExecStart = "${bash}/bin/bash ${tokensScript}";
    };
  };

  gc = {
    description = "Remove old paths from the binary cache";
    serviceConfig = hardening // {
      Type = "oneshot";
      User = group;
      Group = group;
      UMask = "0022";
      ReadWritePaths = [ directory ];
      ExecStart = command (
        [
          "cache-gc"
          (quote "file://${directory}")
          "--keep-since"
          keepSince
          "--delete"
        ]
        ++ (
          if keepRoots == null then
            [ ]
          else
            [
              "--keep-roots"
              (quote keepRoots)
            ]
        )
      );
    };
  };

  push = {
    description = "Push what is built to binary caches";
    after = [ "network-online.target" ];
    wants = [ "network-online.target" ];
    path = [ nix ];
    environment = {
      HOME = "/var/cache/npm2nixlite-push";
      XDG_CACHE_HOME = "/var/cache/npm2nixlite-push";
      NIX_REMOTE = "daemon";
    };
    serviceConfig = hardening // {
      DynamicUser = true;
      CacheDirectory = "npm2nixlite-push";
      LoadCredential = load (pushToken ++ keys);
      Restart = "always";
      RestartSec = 30;
      TimeoutStopSec = 600;
      ExecStart = command (
        [
          "push"
          "--watch"
        ]
        ++ each "--to" push.to
        ++ each "--upstream" push.upstreams
        ++ each "--upstream-key" push.upstreamKeys
        ++ [
          "--compression"
          push.compression
        ]
        ++ builtins.concatMap ({ id, ... }: [ "--token-file" "%d/${id}" ]) pushToken
        ++ builtins.concatMap ({ id, ... }: [ "--key-file" "%d/${id}" ]) keys
      );
    };
  };
}
