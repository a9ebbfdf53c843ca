// Asks something that may never answer: a driver whose GPU is sick holds every call for ever.
#ifndef DAEMON_DOCTOR_ASK_IN_CHILD_H_
#define DAEMON_DOCTOR_ASK_IN_CHILD_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace daemon_doctor {

// What `ask` returns, computed in a process of its own; nothing when it does not come within the
// deadline, the process ends in another way, or the answer has more than a mebibyte. A process that
// the driver holds is left behind: even SIGKILL waits for the driver. For programs of one thread.
std::optional<std::string> ask_in_child(const std::function<std::string()>& ask,
                                        std::int64_t deadline_ms);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_ASK_IN_CHILD_H_
