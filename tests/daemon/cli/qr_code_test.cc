#include "daemon/cli/qr_code.h"

#include <gtest/gtest.h>

#include <vector>

namespace daemon_cli {
namespace {

// The modules of a drawing again, row by row.
std::vector<std::string> modules_of(std::string_view text) {
  std::vector<std::string> rows;
  while (!text.empty()) {
    std::string upper, lower;
    while (!text.starts_with('\n')) {
      const bool space = text.starts_with(' ');
      const std::string_view glyph = text.substr(0, space ? 1 : 3);
      upper += glyph == "\u2588" || glyph == "\u2580" ? '#' : '.';
      lower += glyph == "\u2588" || glyph == "\u2584" ? '#' : '.';
      text.remove_prefix(glyph.size());
    }
    text.remove_prefix(1);
    rows.push_back(upper);
    rows.push_back(lower);
  }
  return rows;
}

// ISO/IEC 18004: the pattern in three corners, which readers look for.
void expect_finder(const std::vector<std::string>& rows, std::size_t row, std::size_t column) {
  constexpr const char* kFinder[] = {"#######", "#.....#", "#.###.#", "#.###.#",
                                     "#.###.#", "#.....#", "#######"};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(rows[row + i].substr(column, 7), kFinder[i]) << i;
}

TEST(QrCode, HasItsThreeCornersWithinAQuietZone) {
  for (const std::size_t bytes : {1u, 200u, 1000u}) {
    const auto rows = modules_of(draw_qr_code(std::string(bytes, 'x'), QrPaper::kPlain).value());
    const std::size_t width = rows[0].size();
    EXPECT_EQ((width - 8 - 21) % 4, 0u);  // 21 modules, and four more with each version
    for (const auto& row : rows) {
      ASSERT_EQ(row.size(), width);
      EXPECT_EQ(row.substr(0, 4) + row.substr(width - 4), "........");
    }
    ASSERT_GE(rows.size(), width);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool quiet = i < 4 || i >= width - 4;
      EXPECT_EQ(rows[i] == std::string(width, '.'), quiet) << i;
    }
    expect_finder(rows, 4, 4);
    expect_finder(rows, 4, width - 11);
    expect_finder(rows, width - 11, 4);
  }
}

TEST(QrCode, FixesTheColoursOfATerminal) {
  const std::string text = draw_qr_code("redoubt", QrPaper::kTerminal).value();
  EXPECT_TRUE(text.starts_with("\x1b[30;107m  "));
  EXPECT_TRUE(text.ends_with("  \x1b[0m\n"));
  const std::string plain = draw_qr_code("redoubt", QrPaper::kPlain).value();
  EXPECT_EQ(plain.find('\x1b'), plain.npos);
}

TEST(QrCode, SaysWhenItIsTooMuch) {
  EXPECT_TRUE(draw_qr_code(std::string(2'331, 'x'), QrPaper::kPlain).ok());
  EXPECT_EQ(draw_qr_code(std::string(2'332, 'x'), QrPaper::kPlain).error().code,
            base::ErrorCode::kExhausted);
  EXPECT_FALSE(draw_qr_code("", QrPaper::kPlain).ok());
}

}  // namespace
}  // namespace daemon_cli
