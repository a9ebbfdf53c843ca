#include "daemon/cli/command.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/verbs.h"
#include "daemon/version.h"
#include "hardening/base/memory_reserve.h"

namespace daemon_cli {

Command::Command(CLI::App& app) : app_(app) {}
Command::~Command() = default;

Command& Command::add(const std::string& name, const std::string& help) {
  CLI::App* app = app_.add_subcommand(name, help);
  app_.require_subcommand(1);
  return *children_.emplace_back(std::make_unique<Command>(*app));
}

Command& Command::option(const std::string& name, std::string& target, const std::string& help) {
  app_.add_option(name, target, help)->capture_default_str();
  return *this;
}

Command& Command::option(const std::string& name, std::uint64_t& target, const std::string& help) {
  app_.add_option(name, target, help)->capture_default_str();
  return *this;
}

Command& Command::option(const std::string& name, double& target, const std::string& help) {
  app_.add_option(name, target, help)->capture_default_str();
  return *this;
}

Command& Command::option(const std::string& name, std::vector<std::string>& target,
                         const std::string& help) {
  // One value each time, so that what follows can still be an argument.
  app_.add_option(name, target, help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Command& Command::required_option(const std::string& name, std::string& target,
                                  const std::string& help) {
  app_.add_option(name, target, help)->required();
  return *this;
}

Command& Command::flag(const std::string& name, bool& target, const std::string& help) {
  app_.add_flag(name, target, help);
  return *this;
}

Command& Command::argument(const std::string& name, std::string& target, const std::string& help) {
  app_.add_option(name, target, help)->required();
  return *this;
}

Command& Command::optional_argument(const std::string& name, std::string& target,
                                    const std::string& help) {
  app_.add_option(name, target, help);
  return *this;
}

Command& Command::arguments(const std::string& name, std::vector<std::string>& target,
                            const std::string& help) {
  app_.add_option(name, target, help)->required();
  return *this;
}

Command& Command::footer(const std::string& text) {
  app_.footer(text);
  return *this;
}

Command& Command::hide() {
  app_.group("");
  return *this;
}

void Command::runs(std::function<int()> run) {
  run_ = std::move(run);
}

const std::function<int()>* Command::chosen() const {
  for (const auto& child : children_) {
    if (child->app_.parsed()) return child->chosen();
  }
  return run_ ? &run_ : nullptr;
}

namespace {

constexpr char kFooter[] =
    "Exit status: 0 it worked, 1 it did not (standard error says why), 2 the command line makes no "
    "sense.";

// Prints the help or the complaint, whichever `error` stands for.
int report(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return kExitOk;
  }
  std::fprintf(stderr, "redoubt: %s\nTry 'redoubt --help'.\n", error.what());
  return kExitUsage;
}

}  // namespace

int run_command_line(int argc, const char* const* argv,
                     const daemon_supervisor::RoleHooks& hooks) {
  base::hold_memory_reserve();
  try {
    CLI::App app("An LLM inference appliance for sites without internet.", "redoubt");
    app.set_version_flag("--version", std::string("redoubt ") + daemon_version::kVersion);
    app.footer(kFooter);
    Command root(app);
    add_verbs(root, hooks);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return report(app, error);
    }
    const auto* run = root.chosen();
    return run != nullptr ? (*run)() : kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "redoubt: %s\n", error.what());
    return kExitFailure;
  }
}

}  // namespace daemon_cli
