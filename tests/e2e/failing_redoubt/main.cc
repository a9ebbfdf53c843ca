// The whole of redoubt with calls that can be made to fail one by one: a test executable, never
// installed. Its main() is production's; the functions that fail are defined beside it.
#include "daemon/cli/command.h"

int main(int argc, char** argv) {
  return daemon_cli::run_command_line(argc, argv);
}
