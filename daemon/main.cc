#include "daemon/cli/command.h"

int main(int argc, char** argv) {
  return daemon_cli::run_command_line(argc, argv);
}
