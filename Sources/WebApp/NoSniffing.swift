import RuntimeHTTP

/// Makes browsers trust the `Content-Type` of each response, instead of guessing from its content.
struct NoSniffing: ImmediateMiddleware {
  /// Adds the field, unless `response` has it. Constant responses already have it.
  func after(_ response: inout Response, to request: Request) { Self.mark(&response) }

  /// Returns `response` with the field.
  static func marking(_ response: Response) -> Response {
    var response = response
    mark(&response)
    return response
  }

  private static func mark(_ response: inout Response) {
    guard !response.headers.contains("X-Content-Type-Options") else { return }
    response.headers["X-Content-Type-Options"] = "nosniff"
  }
}

extension MediaType {
  /// Whether a browser may run scripts in content of this type.
  var mayHoldScripts: Bool {
    ["html", "xhtml+xml", "xml", "x-mixed-replace"].contains(subtype) || subtype.hasSuffix("+xml")
  }
}
