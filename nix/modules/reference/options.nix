# All options of mempool's modules, but for internal ones, as data: a list of { name, type,
# description, default ? null, example ? null }, with defaults and examples as Nix text.
#
# The options of networks are the same for all: those of mainnet stand for them, as `<network>`.
let
  lib = import ./lib.nix;
  networks = builtins.attrNames (import ../lib/networks.nix);

  # Values of other options are not looked at: where a default has some, it has a text, too.
  arguments = {
    inherit lib;
    pkgs = { };
    config = {
      services.mempool.tor.enable = false;
    };
  };
  optionsOf = file: (import file arguments).options or { };

  merge =
    below: above:
    below
    // builtins.mapAttrs (
      name: value:
      if below ? ${name} && !(value ? _type) && builtins.isAttrs value then
        merge below.${name} value
      else
        value
    ) above;
  # The binary cache's module has no part in mempool.
  modules = builtins.filter (
    file: builtins.match "npm2nixlite-.*" (baseNameOf (toString file)) == null
  ) (import ../default.nix).imports;
  all = builtins.foldl' merge { } (map optionsOf modules);

  join = builtins.concatStringsSep ".";
  isName = text: builtins.match "[a-zA-Z_<][a-zA-Z0-9_>'-]*" text != null;
  key = name: if isName name then name else builtins.toJSON name;

  # A value as Nix text.
  show =
    value:
    if builtins.isAttrs value && value ? text then
      value.text
    else if builtins.isAttrs value then
      if value == { } then
        "{ }"
      else
        "{ ${
          builtins.concatStringsSep " " (
            map (name: "${key name} = ${show value.${name}};") (builtins.attrNames value)
          )
        } }"
    else if builtins.isList value then
      if value == [ ] then "[ ]" else "[ ${builtins.concatStringsSep " " (map show value)} ]"
    else
      builtins.toJSON value;

  describe =
    path: option:
    [
      {
        name = join path;
        type = option.type.description or "unspecified";
        inherit (option) description;
        default =
          if option ? defaultText then
            show option.defaultText
          else if option ? default then
            show option.default
          else
            null;
        example = if option ? example then show option.example else null;
      }
    ]
    ++ (
      if option.type ? options then
        walk (path ++ (if (option.type.placeholder or "") == "" then [ ] else [ "<name>" ])) option.type.options
      else
        [ ]
    );

  walk =
    path: set:
    builtins.concatMap (
      name:
      let
        value = set.${name};
        isNetwork = path == [ "services" "mempool" ] && builtins.elem name networks;
        place = path ++ [ (if isNetwork then "<network>" else name) ];
      in
      if isNetwork && name != "mainnet" then
        [ ]
      else if (value._type or "") != "option" then
        walk place value
      else if value.internal or false then
        [ ]
      else
        describe place value
    ) (builtins.attrNames set);
in
walk [ ] all
