import Glibc
package import Runtime

/// A pipe whose ends stay open, as the descriptor of a writer has to.
package final class TestPipe: Sendable {
  package let output: Int32
  package let input: Int32

  package init(isNonBlocking: Bool = false) throws(IOError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw IOError(.socket, .system(errno)) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (output, input) = (ends[0], ends[1])
    if isNonBlocking { _ = fcntl(input, F_SETFL, O_NONBLOCK) }
  }

  package func closeOutput() { close(output) }

  /// Fills the pipe.
  ///
  /// - Returns: the number of bytes that it took.
  package func fill() -> Int {
    let flags = fcntl(input, F_GETFL)
    _ = fcntl(input, F_SETFL, flags | O_NONBLOCK)
    defer { _ = fcntl(input, F_SETFL, flags) }
    var count = 0
    while true {
      let written = write(input, [UInt8](repeating: UInt8(ascii: "-"), count: 4096), 4096)
      if written < 0 { return count }
      count += written
    }
  }

  /// Reads the next `count` lines after `filler` bytes, which it discards.
  package func readLines(_ count: Int, after filler: Int = 0) -> [String] {
    var bytes: [UInt8] = []
    var lines = 0
    var buffer = [UInt8](repeating: 0, count: 4096)
    while lines < count {
      let got = read(output, &buffer, buffer.count)
      if got <= 0 { break }
      bytes += buffer[..<got]
      lines = bytes.count { $0 == UInt8(ascii: "\n") }
    }
    return bytes.dropFirst(filler).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
