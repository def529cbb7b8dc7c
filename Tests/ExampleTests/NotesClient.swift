import Glibc
import Runtime

@testable import notes_service

/// An HTTP/1.0 client that makes one request per connection: a response ends with the connection.
struct NotesClient<N: Network>: Sendable {
  let network: N
  let address: SocketAddress

  struct Incomplete: Error {}

  func ask(
    _ method: String, _ target: String, _ content: [UInt8] = []
  ) async throws -> (status: Int, content: [UInt8]) {
    let stream = try await network.connect(to: address)
    defer { stream.close() }
    let head = [
      "\(method) \(target) HTTP/1.0", "Authorization: Bearer s3cret", "Content-Type: application/json",
      "Content-Length: \(content.count)",
    ]
    try await stream.write(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + content)
    var response: [UInt8] = []
    while case let bytes = try await stream.read(), !bytes.isEmpty { response += bytes }
    return try Self.parts(of: response)
  }

  private static func parts(of response: [UInt8]) throws -> (status: Int, content: [UInt8]) {
    guard let end = response.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Incomplete() }
    let lines = String(decoding: response[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw Incomplete() }
    let content = Array(response[end.upperBound...])
    let length = lines.first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) }
    guard length == nil || length == content.count else { throw Incomplete() }
    return (status, content)
  }
}

/// The service of the tests, in which Anna may write.
func notesService<R: AsyncRuntime>(
  on runtime: R, in directory: String, longestFile: Int = 1 << 30
) -> NotesService<R> {
  let files = FileStore(runtime: runtime, directory: directory, longest: longestFile)
  // Longer than any test takes by a real clock.
  return NotesService(runtime: runtime, callers: ["s3cret": "anna"], files: files, patience: .seconds(600))
}

/// Calls `body` with a new directory, and removes it and its files afterwards.
func withDirectory(_ body: (String) async throws -> Void) async throws {
  // The C library chooses the name, which therefore differs even in simulations of one seed.
  var template = Array("/tmp/notes-service-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw FileError("mkdtemp") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer {
    for name in names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
  try await body(path)
}

/// The sorted names of the files in a directory.
func names(in directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    // The name is in the entry, and ends with NUL.
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}
