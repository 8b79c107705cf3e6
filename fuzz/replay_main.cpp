// Runs a fuzz target over recorded inputs, for compilers without libFuzzer: `thing_fuzz FILE-OR-FOLDER…`.
// Each input is also run with a few deterministic mutations, so that the everyday tests look a little further.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

void run(const Bytes& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::size_t replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes input((std::istreambuf_iterator<char>(file)), {});
  run(input);
  std::mt19937 random(static_cast<std::uint32_t>(input.size()));
  for (int i = 0; i < 64 && !input.empty(); ++i) {
    Bytes mutated = input;
    const std::size_t at = random() % mutated.size();
    switch (random() % 3) {
      case 0:
        mutated[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        mutated.resize(at);
        break;
      default:
        mutated.insert(mutated.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random()));
    }
    run(mutated);
  }
  return 1;
}
}  // namespace

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::directory_iterator(argv[i])) inputs += replay(entry.path());
    } else if (fs::exists(argv[i])) {
      inputs += replay(argv[i]);
    } else {
      std::fprintf(stderr, "no such file or folder: %s\n", argv[i]);
      return 2;
    }
  }
  run({});
  std::printf("replayed %zu inputs\n", inputs);
  return inputs == 0 ? 2 : 0;
}
