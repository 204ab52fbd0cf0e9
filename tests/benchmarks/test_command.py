from benchmarks.command import command, parser


def told(*arguments: str) -> str:
    return command(parser().parse_args(arguments))


def test_command_is_what_to_type_for_the_same_figures() -> None:
    assert told() == "make bench"
    assert told("fetch", "--runs", "9", "--quick") == "make bench 'BENCH=fetch --runs 9 --quick'"


def test_command_names_no_place_of_the_machine_but_the_scratch() -> None:
    arguments = ("--project", "/home/me/sky/v1/frontend", "--output", "/home/me/x", "--publish")
    assert told(*arguments) == "make bench 'BENCH=--project sky-v1-frontend'"
    assert told("--scratch", "/dev/shm") == "make bench 'BENCH=--scratch /dev/shm'"
