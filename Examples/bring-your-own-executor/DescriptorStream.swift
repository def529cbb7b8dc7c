import Glibc
import Runtime
import Synchronization

/// What is read from one descriptor and written to another, as a stream: two pipes, a terminal, two ends of a socket.
///
/// It is used on its loop and nowhere else.
final class DescriptorStream: ByteStream {
  private let input: Int32
  private let output: Int32
  private let loop: EventLoop
  private let isReading = Atomic(true)
  private let isWriting = Atomic(true)

  init(input: Int32, output: Int32, loop: EventLoop) {
    self.input = input
    self.output = output
    self.loop = loop
  }

  func waitUntilReadable() async throws(IOError) { try await wait(for: .read, on: input) }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    try await waitUntilReadable()
    let (count, code) = buffer.withUnsafeMutableBytes { bytes, initialized in
      let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
      let count = Glibc.read(input, free.baseAddress, free.count)
      initialized += max(count, 0)
      return (count, errno)
    }
    guard count >= 0 else { throw IOError(.read, .system(code)) }
    return count
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    try await wait(for: .write, on: output)
    // A pipe that has room has room for so much (pipe(7)). More would block the thread, and with it the whole loop.
    let piece = bytes.extracting(first: Int(PIPE_BUF))
    let (count, code) = piece.withUnsafeBytes { (Glibc.write(output, $0.baseAddress, $0.count), errno) }
    guard count >= 0 else { throw IOError(.write, .system(code)) }
    return count
  }

  private func wait(for operation: IOError.Operation, on descriptor: Int32) async throws(IOError) {
    try checkOpen(operation)
    try await loop.wait(for: operation, on: descriptor)
    // Other jobs have run since it was ready. If one has closed the stream, the number may be another file's by now.
    try checkOpen(operation)
  }

  private func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    let isOpen = operation == .read ? isReading.load(ordering: .relaxed) : isWriting.load(ordering: .relaxed)
    if !isOpen { throw IOError(operation, .closed) }
  }

  func shutdownWrite() throws(IOError) {
    guard isWriting.exchange(false, ordering: .relaxed) else { return }
    loop.forget(output)
    // Where it is a socket, as under inetd, it stays open by the name of `input`.
    shutdown(output, Int32(SHUT_WR))
    Glibc.close(output)
  }

  func close() {
    try? shutdownWrite()
    guard isReading.exchange(false, ordering: .relaxed) else { return }
    loop.forget(input)
    Glibc.close(input)
  }
}
