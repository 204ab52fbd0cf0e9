# The option `build`: where something is built.
#
# Type: buildOption :: lib -> { default, description, … } -> option
lib: arguments:
lib.mkOption (
  {
    type = lib.types.enum [
      "auto"
      "canonical"
      "container"
    ];
  }
  // arguments
)
