# What of nixpkgs' lib the declarations of options use, so that a reference can be made without it.
# A type is its description, with the options below it where it has any.
let
  named = description: { inherit description; };
  placeholder = inner: inner.placeholder or "";
  wrapped =
    description: under: inner:
    {
      description = "${description} ${inner.description}";
    }
    // (
      if inner ? options then
        {
          inherit (inner) options;
          placeholder = under + placeholder inner;
        }
      else
        { }
    );
  enabled = description: {
    _type = "option";
    type = named "boolean";
    default = false;
    description = "Whether to enable ${description}.";
  };
  literal = text: { inherit text; };
in
{
  mkOption = option: option // { _type = "option"; };
  mkEnableOption = enabled;
  literalExpression = literal;
  literalMD = literal;

  types = {
    anything = named "anything";
    bool = named "boolean";
    lines = named "lines of text";
    package = named "package";
    path = named "path";
    port = named "port";
    raw = named "anything";
    str = named "string";
    ints = {
      positive = named "positive integer";
      unsigned = named "unsigned integer";
    };
    enum = values: named "one of ${builtins.concatStringsSep ", " (map builtins.toJSON values)}";
    strMatching = pattern: named "string matching ${pattern}";
    nullOr = wrapped "null or" "";
    listOf = wrapped "list of" "";
    attrsOf = wrapped "attribute set of" "<name>.";
    submodule = { options }: {
      description = "submodule";
      inherit options;
    };
  };

  inherit (builtins)
    elem
    filter
    mapAttrs
    ;
  optionals = condition: list: if condition then list else [ ];
}
