// A verb of the command line: its options, its sub-verbs and what it runs. The border to CLI11,
// whose header is included by command.cc alone.
//
// A verb file declares itself in one function:
//
//   void add_status(Command& parent) {
//     Command& verb = parent.add("status", "show what the service is doing");
//     auto options = std::make_shared<StatusOptions>();  // filled by the parser, read by
//     run_status verb.flag("--json", options->json, "print JSON"); verb.runs([options] { return
//     run_status(*options); });
//   }
//
// and verbs.cc names that function.
#ifndef DAEMON_CLI_COMMAND_H_
#define DAEMON_CLI_COMMAND_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/supervisor/role_hooks.h"

namespace CLI {
class App;
}

namespace daemon_cli {

// Targets passed by reference live until run_command_line() returns.
class Command {
 public:
  explicit Command(CLI::App& app);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  // A sub-verb. A command has sub-verbs or runs(), not both.
  Command& add(const std::string& name, const std::string& help);

  // An option "--name" (or "-n,--name") with a value. The target's value at this moment is the
  // default.
  Command& option(const std::string& name, std::string& target, const std::string& help);
  Command& option(const std::string& name, std::uint64_t& target, const std::string& help);
  Command& option(const std::string& name, double& target, const std::string& help);
  Command& option(const std::string& name, std::vector<std::string>& target,
                  const std::string& help);  // repeatable
  Command& required_option(const std::string& name, std::string& target, const std::string& help);
  Command& flag(const std::string& name, bool& target, const std::string& help);
  // An argument without a name, shown as NAME in the help.
  Command& argument(const std::string& name, std::string& target, const std::string& help);
  Command& optional_argument(const std::string& name, std::string& target, const std::string& help);
  Command& arguments(const std::string& name, std::vector<std::string>& target,
                     const std::string& help);  // one or more

  Command& footer(const std::string& text);
  Command& hide();  // leaves it out of the help

  // What the verb does; returns an exit code (exit_codes.h).
  void runs(std::function<int()> run);

  // The innermost chosen command's function, or null when it has none. After parsing.
  const std::function<int()>* chosen() const;

 private:
  CLI::App& app_;
  std::function<int()> run_;
  std::vector<std::unique_ptr<Command>> children_;
};

// Parses the arguments and runs the chosen verb: what main() returns. Only a test executable passes
// hooks.
int run_command_line(int argc, const char* const* argv,
                     const daemon_supervisor::RoleHooks& hooks = {});

}  // namespace daemon_cli

#endif  // DAEMON_CLI_COMMAND_H_
