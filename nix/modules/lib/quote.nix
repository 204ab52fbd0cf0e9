# One argument of a unit's command line, as it is: no variable, no specifier, no second word.
#
# Type: quote :: string -> string
#
# Example:
#   quote "INFO $5, 100%"
#   => "\"INFO $$5, 100%%\""
text: "\"${builtins.replaceStrings [ "\\" "\"" "%" "$" "\n" ] [ "\\\\" "\\\"" "%%" "$$" "\\n" ] text}\""
