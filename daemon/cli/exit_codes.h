// What `redoubt` exits with, for scripts.
#ifndef DAEMON_CLI_EXIT_CODES_H_
#define DAEMON_CLI_EXIT_CODES_H_

namespace daemon_cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;  // it was tried and did not work; standard error says why
inline constexpr int kExitUsage = 2;    // the command line makes no sense

}  // namespace daemon_cli

#endif  // DAEMON_CLI_EXIT_CODES_H_
