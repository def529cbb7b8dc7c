import HelloSite
public import Runtime

/// Answers one request on `stream`, and closes the stream.
///
/// It needs only a stream and a clock. `sleep` is how long `/sleep` takes. Cancelling the task ends any of its waits.
public func handleConnection(
  _ stream: some ByteStream, clock: some Clock<Duration>, sleep: Duration
) async throws {
  defer { stream.close() }
  guard let page = try await readRequest(from: stream) else { return }
  if page == .sleep { try await clock.sleep(for: sleep) }
  try await stream.write(page.response)
}

/// Reads until a request's head is complete. Returns `nil` if the client leaves before that, or the head is too long.
func readRequest(from stream: some ByteStream) async throws(IOError) -> Page? {
  var request: [UInt8] = []
  while request.count < Page.longestRequest {
    let chunk = try await stream.read(upTo: 1024)
    if chunk.isEmpty { return nil }
    request += chunk
    if let page = Page(request: request) { return page }
  }
  return nil
}
