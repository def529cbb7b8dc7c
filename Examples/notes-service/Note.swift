import RuntimeHTTP

/// A note with its name, text and author.
struct Note: Hashable, Sendable {
  let name: Name
  let text: String
  let author: String
}

extension Note {
  /// The maximum length of a note's JSON in bytes.
  static let longest = 64 * 1024

  /// Parses the note in the content of `request`: `{"name": "milk", "text": "Two litres"}`.
  ///
  /// - Throws: ``HTTPError`` that tells the client what is wrong.
  init(_ request: Request, by author: String) async throws {
    guard request.headers.contentType?.matches(.json) == true else {
      throw HTTPError(.unsupportedMediaType, "A note is sent as application/json.")
    }
    let content = try await request.body.collect(upTo: Self.longest)
    do {
      try self.init(JSON(content), by: author)
    } catch let error as JSON.Malformed {
      throw HTTPError(.badRequest, "The content is not JSON: \(error).")
    }
  }

  init(_ json: JSON, by author: String) throws(HTTPError) {
    guard case .object(let members) = json else {
      throw HTTPError(.unprocessableContent, "A note is an object.")
    }
    guard case .string(let name)? = members["name"], case .string(let text)? = members["text"], members.count == 2
    else { throw HTTPError(.unprocessableContent, "A note has two members, name and text, which are strings.") }
    guard let name = Name(name) else { throw HTTPError(.unprocessableContent, Name.rule) }
    if text.isEmpty { throw HTTPError(.unprocessableContent, "The text is empty.") }
    self.init(name: name, text: text, author: author)
  }

  var json: JSON { .object(["name": .string(name.text), "text": .string(text), "author": .string(author)]) }
}

/// The name of a note or of a file. It is safe in a path and in the file system.
struct Name: Hashable, Sendable {
  let text: String

  static let rule = "A name has 1 to 64 letters, digits, dots, hyphens and underscores, and no dot in front."

  /// Makes a name of `text`; `nil` if it is not valid.
  init?(_ text: String) {
    let isAllowed = { (character: Character) in
      character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }
    guard 1...64 ~= text.utf8.count, !text.hasPrefix("."), text.allSatisfy(isAllowed) else { return nil }
    self.text = text
  }
}

extension Request {
  /// The name in the path of a route with `:name`.
  ///
  /// - Throws: ``HTTPError`` if it is not valid.
  var name: Name {
    get throws(HTTPError) {
      guard let name = Name(parameters["name"] ?? "") else { throw HTTPError(.badRequest, Name.rule) }
      return name
    }
  }
}
