#include "daemon/cli/qr_code.h"

#include <fmt/format.h>
#include <qrencode.h>

#include <cerrno>
#include <memory>

namespace daemon_cli {
namespace {

constexpr int kQuietModules = 4;
constexpr std::size_t kBytesMax = 2'331;  // version 40, M

struct CodeFree {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

// Outside the code everything is light.
bool is_dark(const QRcode& code, int row, int column) {
  if (row < 0 || column < 0 || row >= code.width || column >= code.width) return false;
  return (code.data[row * code.width + column] & 1) != 0;
}

const char* block(bool upper, bool lower) {
  if (upper) return lower ? "\u2588" : "\u2580";
  return lower ? "\u2584" : " ";
}

}  // namespace

base::Result<std::string> draw_qr_code(std::string_view bytes, QrPaper paper) {
  if (bytes.empty() || bytes.size() > kBytesMax) {
    return base::exhausted(fmt::format("QR code: {} bytes, 1 to {} fit", bytes.size(), kBytesMax));
  }
  const std::unique_ptr<QRcode, CodeFree> code(
      QRcode_encodeData(static_cast<int>(bytes.size()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), 0, QR_ECLEVEL_M));
  if (code == nullptr) return base::io_error(errno, "QR code");
  std::string text;
  for (int row = -kQuietModules; row < code->width + kQuietModules; row += 2) {
    if (paper == QrPaper::kTerminal) text += "\x1b[30;107m";
    for (int column = -kQuietModules; column < code->width + kQuietModules; ++column) {
      text += block(is_dark(*code, row, column), is_dark(*code, row + 1, column));
    }
    if (paper == QrPaper::kTerminal) text += "\x1b[0m";
    text += '\n';
  }
  return text;
}

}  // namespace daemon_cli
