import Glibc
import RuntimeTestSupport
import Testing

@testable import Runtime

@Suite(.timeLimit(.minutes(10))) struct LineWriterTests {
  @Test(arguments: [false, true])
  func `Lines are written whole and in order`(isNonBlocking: Bool) async throws {
    let pipe = try TestPipe(isNonBlocking: isNonBlocking)
    let writer = LineWriter(descriptor: pipe.input)
    // More than a pipe holds, and lines longer than it takes in one piece among them.
    let lines = (0..<200).map { number in String(repeating: "x", count: number % 4 == 0 ? 9000 : 40) + "\(number)" }
    let reading = Task { await onThreadOfItsOwn { pipe.readLines(lines.count) } }
    for line in lines {
      writer.write(line)
      #expect(await onThreadOfItsOwn { writer.flush(within: .seconds(60)) })
    }
    #expect(await reading.value == lines)
    #expect(writer.droppedLines == 0)
  }

  @Test(arguments: [false, true])
  func `What a stuck descriptor leaves no room for is dropped, counted and reported`(isNonBlocking: Bool) async throws {
    let pipe = try TestPipe(isNonBlocking: isNonBlocking)
    let filler = pipe.fill()
    let writer = LineWriter(descriptor: pipe.input, capacity: 1000)
    // Each takes 100 bytes with its end.
    let lines = (0..<22).map { number in "\(number)".padded(to: 99) }
    for line in lines { writer.write(line) }
    #expect(writer.droppedLines == 12)
    #expect(!writer.flush(within: .zero))
    let read = await onThreadOfItsOwn { pipe.readLines(11, after: filler) }
    #expect(read == lines[..<10] + ["12 lines were dropped"])
    #expect(await onThreadOfItsOwn { writer.flush(within: .seconds(60)) })
    writer.write("again")
    #expect(await onThreadOfItsOwn { pipe.readLines(1) } == ["again"])
    #expect(writer.droppedLines == 12)
  }

  @Test func `A line for which there is never room is dropped and reported`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input, capacity: 100)
    writer.write(String(repeating: "x", count: 100))
    #expect(await onThreadOfItsOwn { pipe.readLines(1) } == ["1 line was dropped"])
  }

  @Test func `A pipe that has lost its reader loses lines and raises no signal`() async throws {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let pipe = try TestPipe()
      let spare = dup(pipe.output)
      let writer = LineWriter(descriptor: pipe.input)
      pipe.closeOutput()
      close(spare)
      for number in 1...3 {
        writer.write("lost")
        #expect(writer.flush(within: .seconds(60)))
        #expect(writer.droppedLines == number)
      }
    }
  }

  @Test func `A closed descriptor loses lines, and says how many once it is open again`() async throws {
    await #expect(processExitsWith: .success) {
      let pipe = try TestPipe()
      let number: Int32 = 200
      let writer = LineWriter(descriptor: number)
      for _ in 0..<3 { writer.write("lost") }
      #expect(writer.flush(within: .seconds(60)))
      #expect(writer.droppedLines == 3)
      dup2(pipe.input, number)
      writer.write("found")
      #expect(pipe.readLines(2) == ["found", "3 lines were dropped"])
    }
  }

  @Test func `A file that may not grow loses lines, and its last line is not continued`() async throws {
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_DFL)
      var name = Array("/tmp/gearbox-log-XXXXXX".utf8CString)
      let file = mkstemp(&name)
      unlink(name)
      var limit = rlimit(rlim_cur: 10, rlim_max: 1000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let writer = LineWriter(descriptor: file)
      writer.write("whole")
      #expect(writer.flush(within: .seconds(60)))
      writer.write("halved")
      #expect(writer.flush(within: .seconds(60)))
      #expect(writer.droppedLines == 1)
      limit.rlim_cur = 1000
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      writer.write("next")
      #expect(writer.flush(within: .seconds(60)))
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = pread(file, &bytes, bytes.count, 0)
      #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "whole\nhalv\nnext\n1 line was dropped\n")
    }
  }

  @Test func `Lines of several threads come whole`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input, capacity: 1 << 20)
    let reading = Task { await onThreadOfItsOwn { pipe.readLines(4000) } }
    await withDiscardingTaskGroup { group in
      for writing in 0..<4 {
        group.addTask { for number in 0..<1000 { writer.write("\(writing) \(number)") } }
      }
    }
    let lines = await reading.value
    for writing in 0..<4 {
      #expect(lines.filter { $0.hasPrefix("\(writing) ") } == (0..<1000).map { "\(writing) \($0)" })
    }
  }

  @Test func `A long line is cut`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input)
    let reading = Task { await onThreadOfItsOwn { pipe.readLines(1) } }
    writer.write(String(repeating: "x", count: 100_000))
    #expect(await reading.value == [String(repeating: "x", count: 16 * 1024) + "…"])
  }

  @Test(arguments: [
    ("plain, “quoted”, \\n and naïve 🙂", "plain, “quoted”, \\n and naïve 🙂"), ("", ""),
    ("a\r\nb\nc", "a\\r\\nb\\nc"), ("\t\0\u{1B}[2J\u{7F}", "\\t\\0\\u{1B}[2J\\u{7F}"),
    ("\u{85}\u{9B}\u{2028}\u{2029}\u{A0}", "\\u{85}\\u{9B}\\u{2028}\\u{2029}\u{A0}"),
  ])
  func `Control characters are escaped`(text: String, line: String) async throws {
    #expect(text.onOneLine == line)
    let pipe = try TestPipe()
    LineWriter(descriptor: pipe.input).write(text)
    #expect(await onThreadOfItsOwn { pipe.readLines(1) } == [line])
  }
}

/// A pipe whose ends stay open: a writer's descriptor has to.
private final class TestPipe: Sendable {
  let output: Int32
  let input: Int32

  init(isNonBlocking: Bool = false) throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (output, input) = (ends[0], ends[1])
    if isNonBlocking { _ = fcntl(input, F_SETFL, O_NONBLOCK) }
  }

  func closeOutput() { close(output) }

  /// Fills the pipe, so that it takes nothing more.
  ///
  /// - Returns: how many bytes that took.
  func fill() -> Int {
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

  /// The next `count` lines, once `filler` bytes have been thrown away.
  func readLines(_ count: Int, after filler: Int = 0) -> [String] {
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

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: ".", count: count - self.count) }
}
