#include <cstring>

#include <vos/train/log/event_file.hpp>
#include <vos/train/log/file_log.hpp>
#include <vos/train/log/tensorboard_log.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

StepReport report_of(std::int64_t step) {
  return {.step = step,
          .total = 10,
          .epoch = step / 4,
          .loss = 1.5 / static_cast<double>(step),
          .losses = {{"loss_class", 0.5}, {"loss_mask", 1.0}},
          .lr = {{"all", 1e-4}, {"all, no decay", 1e-4}},
          .gradient_norm = 3,
          .seconds = 0.25,
          .waited = 0.01};
}

/// A reader of records that is written from the format alone: lengths and checksums must fit to the last byte.
std::vector<std::string> records_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::vector<std::string> records;
  std::size_t at = 0;
  const auto number = [&](std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes.at(at + i)} << 8 * i;
    at += size;
    return value;
  };
  const auto crc_of = [](std::string_view text) {  // bit by bit
    std::uint32_t crc = ~0U;
    for (const char c : text)
      for (crc ^= static_cast<unsigned char>(c); int bit : {0, 1, 2, 3, 4, 5, 6, 7})
        static_cast<void>(bit), crc = crc >> 1 ^ (0x82F63B78U & (0U - (crc & 1)));
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
  };
  while (at < bytes.size()) {
    const auto begin = at;
    const auto length = number(8);
    const std::string head(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                           bytes.begin() + static_cast<std::ptrdiff_t>(at));
    REQUIRE(number(4) == crc_of(head));
    REQUIRE(at + length + 4 <= bytes.size());
    records.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
    REQUIRE(number(4) == crc_of(records.back()));
  }
  return records;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  auto lines = split(read_text(path), '\n');
  lines.pop_back();
  return lines;
}

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("the checksum of event files is Castagnoli's") {
    // 123456789 has the CRC-32C E3069283, as every catalogue of CRCs lists.
    CHECK(vos::detail::masked_crc32c("123456789") == ((0xE3069283U >> 15 | 0xE3069283U << 17) + 0xA282EAD8U));
  }

  TEST_CASE("an event file holds whole records with the values that were given") {
    const test::Folder folder;
    EventFile file{folder.path(), 1700000000.5};
    file.scalars(1700000001, 7, {{"loss", 0.25}});
    file.picture(1700000002, 300, "clip", {.height = 2, .width = 3, .png = {1, 2, 3}});
    file.histogram(1700000003, 8, "weights",
                   {.least = -1, .most = 2, .count = 3, .sum = 1.5, .squares = 4, .ends = {0, 2}, .counts = {1, 2}});
    file.begin(1700000004, 5);
    const auto records = records_of(file.path());
    REQUIRE(records.size() == 5);
    CHECK(records[0].find("brain.Event:2") != std::string::npos);
    // 09 time, 10 07 step, 2a summary {0a value {0a tag, 15 float}}
    const float quarter = 0.25F;
    std::string scalar = "\x10\x07\x2a\x0d\x0a\x0b\x0a\x04loss\x15";
    scalar.append(reinterpret_cast<const char*>(&quarter), 4);
    CHECK(records[1].substr(9) == scalar);
    // 10 ac 02: step 300; image 22 {08 02 height, 10 03 width, 18 03 colours, 22 03 bytes}
    CHECK(records[2].substr(9) == std::string("\x10\xac\x02\x2a\x15\x0a\x13\x0a\x04"
                                              "clip\x22\x0b\x08\x02\x10\x03\x18\x03\x22\x03\x01\x02\x03"));
    CHECK(records[3].find("weights") != std::string::npos);
    CHECK(records[4].substr(9) == std::string("\x10\x05\x3a\x02\x08\x01"));
  }

  TEST_CASE("a run's files tell every step, and a resumed run tells no step twice") {
    const test::Folder folder;
    {
      FileLog log{folder.path()};
      for (std::int64_t step = 1; step <= 6; ++step) log.step(report_of(step));
      log.validation({.step = 4, .epoch = 0, .metrics = {{"J&F", 0.5}}, .main = "J&F", .best = true});
      log.message("the disk is nearly full");
    }
    {  // killed in the middle of a line
      std::ofstream torn{folder / "log.jsonl", std::ios::app};
      torn << R"({"kind":"step","st)";
      std::ofstream torn_table{folder / "steps.csv", std::ios::app};
      torn_table << "7,1,";
    }
    {
      FileLog log{folder.path()};
      log.resumed(4);
      log.step(report_of(5));
    }
    const auto lines = lines_of(folder / "log.jsonl");
    REQUIRE(lines.size() == 7);  // 1 to 4, the validation, the message, 5
    CHECK(nlohmann::json::parse(lines[6])["step"] == 5);
    CHECK(nlohmann::json::parse(lines[4])["metrics"]["J&F"] == 0.5);
    const auto rows = lines_of(folder / "steps.csv");
    REQUIRE(rows.size() == 6);
    CHECK(rows[0] == "step,epoch,loss,loss_class,loss_mask,lr all,lr all no decay,gradient_norm,seconds,waited");
    CHECK(rows[5] == "5,1,0.3,0.5,1,1e-04,1e-04,3,0.25,0.01");
  }

  TEST_CASE("a resumed run tells TensorBoard where it goes on") {
    const test::Folder folder;
    TensorBoardLog log{folder.path()};
    log.resumed(4);
    log.step(report_of(5));
    log.validation({.step = 5, .metrics = {{"AP", 0.25}}});
    const auto records = records_of(log.file().path());
    REQUIRE(records.size() == 4);
    CHECK(records[1].substr(9) == std::string("\x10\x05\x3a\x02\x08\x01"));
    CHECK(records[2].find("loss/loss_mask") != std::string::npos);
    CHECK(records[3].find("validation/AP") != std::string::npos);
  }
}
