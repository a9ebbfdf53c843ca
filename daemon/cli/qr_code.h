// Bytes as a QR code (ISO/IEC 18004) that a terminal or a printer can show: two rows of modules in
// one line of text, by the half blocks of Unicode.
#ifndef DAEMON_CLI_QR_CODE_H_
#define DAEMON_CLI_QR_CODE_H_

#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_cli {

enum class QrPaper { kPlain, kTerminal };  // kTerminal: black on white, whatever its colours are

// With the quiet zone of four modules that the standard asks for. Error correction M. kExhausted:
// more than a code holds (2,331 bytes).
base::Result<std::string> draw_qr_code(std::string_view bytes, QrPaper paper);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_QR_CODE_H_
