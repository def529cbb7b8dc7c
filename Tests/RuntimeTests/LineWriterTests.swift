import Glibc
import RuntimeTestSupport
import Testing

@testable import Runtime

@Suite(.timeLimit(.minutes(10))) struct LineWriterTests {
  @Test(arguments: [false, true])
  func `Lines are written whole and in order`(isNonBlocking: Bool) async throws {
    let pipe = try TestPipe(isNonBlocking: isNonBlocking)
    let writer = LineWriter(descriptor: pipe.input)
    // More than a pipe's capacity, with some lines longer than a pipe takes in one piece.
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
  func `Lines that find no room are dropped, counted and reported`(isNonBlocking: Bool) async throws {
    let pipe = try TestPipe(isNonBlocking: isNonBlocking)
    let filler = pipe.fill()
    let writer = LineWriter(descriptor: pipe.input, capacity: 1000)
    // Each line takes 100 bytes with its newline.
    let lines = (0..<22).map { number in "\(number)".padded(to: 99) }
    for line in lines { writer.write(line) }
    #expect(writer.droppedLines == 12)
    #expect(!writer.flush(within: .zero))
    let read = await onThreadOfItsOwn { pipe.readLines(11, after: filler) }
    #expect(read.dropLast() == lines[..<10])
    #expect(read.last?.withoutTime == "warning: 12 lines were dropped")
    #expect(await onThreadOfItsOwn { writer.flush(within: .seconds(60)) })
    writer.write("again")
    #expect(await onThreadOfItsOwn { pipe.readLines(1) } == ["again"])
    #expect(writer.droppedLines == 12)
  }

  @Test func `A line larger than the buffer is dropped and reported`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input, capacity: 100)
    writer.write(String(repeating: "x", count: 100))
    let report = await onThreadOfItsOwn { pipe.readLines(1) }
    #expect(report.map(\.withoutTime) == ["warning: 1 line was dropped"])
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

  @Test func `A closed descriptor loses lines, and their number is reported once it is open`() async throws {
    await #expect(processExitsWith: .success) {
      let pipe = try TestPipe()
      let number: Int32 = 200
      let writer = LineWriter(descriptor: number)
      for _ in 0..<3 { writer.write("lost") }
      #expect(writer.flush(within: .seconds(60)))
      #expect(writer.droppedLines == 3)
      dup2(pipe.input, number)
      writer.write("found")
      let lines = pipe.readLines(2)
      #expect(lines[0] == "found" && lines[1].withoutTime == "warning: 3 lines were dropped")
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
      let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
      #expect(lines.dropLast() == ["whole", "halv", "next"])
      #expect(lines.last?.withoutTime == "warning: 1 line was dropped")
    }
  }

  @Test func `Lines of several threads stay whole`() async throws {
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

  @Test func `Dropped JSON lines are reported in JSON`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input, format: .json, capacity: 100)
    writer.write(String(repeating: "x", count: 100))
    let line = try #require(await onThreadOfItsOwn { pipe.readLines(1) }.first)
    let form = /\{"time":"[-T:.0-9]{23}Z","level":"warning","message":"1 line was dropped"\}/
    #expect(line.wholeMatch(of: form) != nil, "\(line)")
  }

  @Test func `Lines are collected until they are flushed, or fill a quarter of the buffer`() async throws {
    let pipe = try TestPipe()
    // Longer than the time limit of a test.
    let writer = LineWriter(descriptor: pipe.input, capacity: 4000, delay: .seconds(3600))
    writer.write("one")
    writer.write("two")
    #expect(await onThreadOfItsOwn { writer.flush(within: .seconds(60)) })
    #expect(pipe.readLines(2) == ["one", "two"])
    for _ in 0..<10 { writer.write("".padded(to: 99)) }
    #expect(await onThreadOfItsOwn { pipe.readLines(10) }.count == 10)
    #expect(writer.droppedLines == 0)
  }

  @Test func `A line waits no longer than the delay`() async throws {
    let pipe = try TestPipe()
    let writer = LineWriter(descriptor: pipe.input, delay: .milliseconds(1))
    for number in 0..<3 {
      writer.write("\(number)")
      #expect(await onThreadOfItsOwn { pipe.readLines(1) } == ["\(number)"])
    }
  }

  @Test func `The writer creates a moved file again on request`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/log"
    let writer = try LineWriter(appendingTo: path)
    let isFlushed = { await onThreadOfItsOwn { writer.flush(within: .seconds(60)) } }
    writer.write("before")
    #expect(await isFlushed())
    rename(path, path + ".1")
    writer.write("still there")
    #expect(await isFlushed())
    try writer.reopen()
    writer.write("after")
    #expect(await isFlushed())
    #expect(directory.text(of: "log.1") == "before\nstill there\n")
    #expect(directory.text(of: "log") == "after\n")
    // It appends, and does not overwrite.
    let second = try LineWriter(appendingTo: path)
    second.write("more")
    #expect(await onThreadOfItsOwn { second.flush(within: .seconds(60)) })
    #expect(directory.text(of: "log") == "after\nmore\n")
  }

  @Test func `A file that cannot be opened is an error, and the old one goes on`() async throws {
    let directory = try TemporaryDirectory()
    #expect(throws: IOError(.open, .system(ENOENT))) { try LineWriter(appendingTo: directory.path + "/none/log") }
    // Opening must not wait for a reader of the pipe.
    mkfifo(directory.path + "/pipe", 0o600)
    #expect(throws: IOError(.open, .system(ENXIO))) { try LineWriter(appendingTo: directory.path + "/pipe") }
    let path = directory.path + "/log"
    let writer = try LineWriter(appendingTo: path)
    rename(path, path + ".1")
    mkdir(path, 0o700)
    #expect(throws: IOError(.open, .system(EISDIR))) { try writer.reopen() }
    writer.write("kept")
    #expect(await onThreadOfItsOwn { writer.flush(within: .seconds(60)) })
    #expect(directory.text(of: "log.1") == "kept\n")
    rmdir(path)
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

extension String {
  /// A report of the writer without its time. Reading it also checks the time's form.
  fileprivate var withoutTime: String {
    #expect(wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z .*/) != nil)
    return String(dropFirst(25))
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: ".", count: count - self.count) }
}
