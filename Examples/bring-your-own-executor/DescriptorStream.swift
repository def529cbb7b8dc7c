import Glibc
import Runtime
import Synchronization

/// A stream that reads from one descriptor and writes to another: two pipes, a terminal, or a socket.
///
/// Only its loop's thread uses it.
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
    // A pipe that is ready has room for PIPE_BUF bytes (pipe(7)). More could block the thread, and the whole loop.
    let piece = bytes.extracting(first: Int(PIPE_BUF))
    let (count, code) = piece.withUnsafeBytes { (Glibc.write(output, $0.baseAddress, $0.count), errno) }
    guard count >= 0 else { throw IOError(.write, .system(code)) }
    return count
  }

  private func wait(for operation: IOError.Operation, on descriptor: Int32) async throws(IOError) {
    try checkOpen(operation)
    try await loop.wait(for: operation, on: descriptor)
    // Other jobs have run since it became ready. If one closed the stream, the number may belong to another file now.
    try checkOpen(operation)
  }

  private func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    let isOpen = operation == .read ? isReading.load(ordering: .relaxed) : isWriting.load(ordering: .relaxed)
    if !isOpen { throw IOError(operation, .closed) }
  }

  func shutdownWrite() throws(IOError) {
    guard isWriting.exchange(false, ordering: .relaxed) else { return }
    loop.forget(output)
    // If both are one socket, as under inetd, `input` keeps it open.
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
