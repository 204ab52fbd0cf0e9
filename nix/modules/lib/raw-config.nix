# The `config` string of an instance: JSON, with or without the outermost braces, and with commas
# after last members, as such strings are written.
#
# Type: parseRawConfig :: instance name -> string -> attribute set
#
# Anything else is an evaluation error that names the instance and the place.
#
# Example:
#   parseRawConfig "mainnet" ''"MEMPOOL": { "NETWORK": "mainnet", },''
#   => { MEMPOOL.NETWORK = "mainnet"; }
instance: text:
let
  # A string as JSON has them; a number; a word; a sign.
  token = ''("([^"\[:cntrl:]]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null|[]{}:,[])'';
  parts = builtins.split token text;

  fail =
    what:
    throw ''
      services.mempool-backend.${instance}.config is not JSON: ${what}.
        Give members such as "MEMPOOL": { "NETWORK": "mainnet" }; or use settings instead.'';

  tokens = builtins.concatMap (
    part:
    if builtins.isList part then
      [ (builtins.head part) ]
    else if builtins.match "[[:space:]]*" part != null then
      [ ]
    else
      fail "'${excerpt part}' has no meaning there"
  ) parts;

  excerpt = part: builtins.substring 0 40 (builtins.replaceStrings [ "\n" ] [ " " ] part);

  braced = tokens != [ ] && builtins.head tokens == "{";
  whole = if braced then tokens else [ "{" ] ++ tokens ++ [ "}" ];

  isString = text: builtins.substring 0 1 text == "\"";
  opens = {
    "{" = "}";
    "[" = "]";
  };

  # expect: "key", "colon", "value", or "next" (a comma or the closing sign). stack: closing signs
  # that are due, the innermost first. written: the tokens, reversed, without superfluous commas.
  step =
    state: text:
    let
      due = if state.stack == [ ] then null else builtins.head state.stack;
      put = expect: state // {
        inherit expect;
        written = [ text ] ++ state.written;
        last = text;
      };
      before = if state.last == null then "its start" else "'${state.last}'";
      wrong = wanted: fail "${wanted} is missing between ${before} and '${text}'";
      close =
        state
        // {
          expect = "next";
          stack = builtins.tail state.stack;
          written =
            [ text ] ++ (if state.last == "," then builtins.tail state.written else state.written);
          last = text;
        };
    in
    if state.stack == [ ] && state.last != null then
      fail "there is '${text}' after its end"
    else if
      text == due
      && (
        state.expect == "next"
        || state.last == ","
        || state.last == "{"
        || state.last == "["
      )
    then
      close
    else if state.expect == "key" then
      if isString text then put "colon" else wrong "a name in quotes"
    else if state.expect == "colon" then
      if text == ":" then put "value" else wrong "a colon"
    else if state.expect == "next" then
      if text == "," then put (if due == "}" then "key" else "value") else wrong "a comma"
    else if opens ? ${text} then
      put (if text == "{" then "key" else "value") // { stack = [ opens.${text} ] ++ state.stack; }
    else if builtins.elem text [ "}" "]" ":" "," ] then
      wrong "a value"
    else
      put "next";

  # Forced at each step: a long config must not end in a deep stack.
  end = builtins.foldl' (
    state: text:
    let
      next = step state text;
    in
    builtins.seq next.expect (builtins.seq next.stack next)
  ) {
    expect = "value";
    stack = [ ];
    written = [ ];
    last = null;
  } whole;

  count = builtins.length end.written;
  json = builtins.concatStringsSep " " (
    builtins.genList (index: builtins.elemAt end.written (count - 1 - index)) count
  );
in
if end.stack != [ ] then
  fail "${toString (builtins.length end.stack)} of its braces or brackets are not closed"
else
  builtins.fromJSON json
