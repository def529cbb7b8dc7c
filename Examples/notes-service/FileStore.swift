import Glibc
import Runtime
import RuntimeHTTP

/// The files of a directory. Each is stored completely or not at all.
struct FileStore<R: AsyncRuntime>: Sendable {
  let runtime: R
  let directory: String
  /// The maximum length of a file in bytes.
  let longest: Int

  /// The number of bytes per read or write. Each one costs two thread switches.
  private static var pieceLength: Int { 256 * 1024 }

  /// Stores the content as the file called `name`, and replaces a file of that name.
  ///
  /// - Returns: the length of the content in bytes.
  /// - Throws: ``HTTPError`` with ``Status/contentTooLarge``, and the errors of reading and writing. Nothing is stored
  ///   then.
  func store(_ body: RequestBody, as name: Name) async throws -> Int {
    let tooLarge = HTTPError(.contentTooLarge, "A file has at most \(longest) bytes.")
    if let length = body.length, length > longest { throw tooLarge }
    let file = try await runtime.runBlocking { [directory] in try File(temporaryIn: directory) }
    do {
      let length = try await copy(body, to: file, orThrow: tooLarge)
      try await runtime.runBlocking { [path = path(of: name)] in try file.publish(as: path) }
      return length
    } catch {
      await discard(file)
      throw error
    }
  }

  private func copy(_ body: RequestBody, to file: File, orThrow tooLarge: HTTPError) async throws -> Int {
    var length = 0
    var piece: [UInt8] = []
    for try await chunk in body {
      length += chunk.count
      if length > longest { throw tooLarge }
      piece += chunk
      if piece.count >= Self.pieceLength {
        try await runtime.runBlocking { [piece] in try file.write(piece) }
        piece.removeAll(keepingCapacity: true)
      }
    }
    try await runtime.runBlocking { [piece] in try file.write(piece) }
    return length
  }

  private func discard(_ file: File) async {
    // In a task of its own: `runBlocking` does nothing in a cancelled task, which this one may be.
    _ = await runtime.spawn { [runtime] in try await runtime.runBlocking { file.discard() } }.result
  }

  /// A response with the content of the file called `name`, read while it is sent.
  ///
  /// - Throws: ``HTTPError`` with ``Status/notFound`` if there is none.
  func response(with name: Name) async throws -> Response {
    let (file, length) = try await open(name)
    let body = ResponseBody.stream(length: length) { [runtime] writer in
      while case let piece = try await runtime.runBlocking({ try file.read(upTo: Self.pieceLength) }), !piece.isEmpty {
        try await writer.write(piece)
      }
    }
    return Response(headers: ["Content-Type": "\(MediaType.octetStream)"], body: body)
  }

  private func open(_ name: Name) async throws -> (file: File, length: Int) {
    do {
      return try await runtime.runBlocking { [path = path(of: name)] in
        let file = try File(reading: path)
        return (file, try file.length)
      }
    } catch let error as FileError where error.code == ENOENT {
      throw HTTPError(.notFound, "There is no such file.")
    }
  }

  private func path(of name: Name) -> String { "\(directory)/\(name.text)" }
}
