/// One request and its response (RFC 9113 section 5): what the protocol has to know of them.
struct HTTP2Stream: Sendable {
  /// How far the stream has come (section 5.1). The states of pushed streams are not there: we push nothing.
  struct State: Sendable {
    /// The peer has sent all it had: "half-closed (remote)".
    var peerHasFinished = false
    /// We have sent all we had: "half-closed (local)".
    var weHaveFinished = false
    /// How it closed, once it has.
    var end: ClosedStreams.End?

    var isClosed: Bool { end != nil }
  }

  /// What a stream counts for beside its head and its content: its handler's task and what belongs to it.
  static let heldLength = 4096

  private(set) var id: StreamID = 0
  /// The tick in which it was opened.
  var firstTick: UInt64 = 0
  var state = State()
  /// Whether a handler is at it still, whatever has become of the stream.
  var hasHandler = false

  // MARK: What comes

  var head = RequestHead()
  var receiveWindow = ReceiveWindow(0)
  /// How much content is still to come, where the request has said how much there is.
  var remainingLength: Int?
  var receivedLength = 0
  /// Content that the handler has not read.
  var unread: [UInt8] = []
  /// Content that the handler has taken, and may be at still: all that it has asked for last.
  var takenCount = 0
  /// Content that the handler has taken and keeps, as far as is known.
  var collectedCount = 0
  /// The length of the head, as long as it counts as held.
  var headLength = 0
  var trailers = HeaderFields()
  /// Why there is no reading on, though the stream is open.
  var readingError: WireError?
  /// What observers will be told of the request, where there are any.
  var trace: RequestTrace?
  /// The request is wrong, so that its response is no useful work.
  var isRefused = false
  /// What comes of it is thrown away, since it will not be read.
  var isDiscarding = false
  /// How much of it has been thrown away since the response was sent.
  var drainedLength = 0

  // MARK: What is sent

  var sendWindow = SendWindow(0)
  var priority = Priority(isIncremental: true)
  /// Content that waits to be sent, from `sentCount` on.
  var unsent: [UInt8] = []
  var sentCount = 0
  /// Nothing follows what is unsent but the trailers.
  var hasLastContent = false
  /// What is unsent is not all of the response, and the peer is told so behind it.
  var isBrokenOff = false
  var responseTrailers: HeaderFields?
  /// Whether a client that waits for a 100 (Continue) has had one, or has not waited.
  var hasContinued = false
  /// Whether the head of the response has been sent.
  var hasResponse = false
  /// How often the output had been handed to the network before that.
  var handoversBefore = 0
  /// Whether the client has given it up after it was sent some of the response, and the handler has not ended.
  var isAbandoned = false
  /// Whether the response has content, and how much of it has been promised and not written.
  var sendsContent = false
  var promisedLength: Int?
  /// Whether another protocol has taken the place of content (RFC 9113 section 8.5).
  var isTunnel = false

  /// Whether it is a tunnel that is in use: what is spoken there ends in each direction by itself, and what has come can
  /// be read after both ends.
  var isOpenTunnel: Bool { isTunnel && hasHandler }

  /// The ticks at which content that somebody waits for, and a peer that takes nothing, have taken too long; 0 where
  /// there is no such wait.
  var contentDeadline: UInt64 = 0
  var sendDeadline: UInt64 = 0
  /// How the peer keeps up with the least that it has to send, and to take.
  var receivePace = Pace()
  var sendPace = Pace()

  /// How many bytes of content wait to be sent.
  @inline(__always)
  var unsentCount: Int { unsent.count - sentCount }

  /// Whether it could send content if the connection could.
  @inline(__always)
  var canSend: Bool { unsentCount > 0 && sendWindow.available > 0 }

  mutating func open(_ id: StreamID, sendWindow: Int, receiveWindow: Int) {
    self.id = id
    self.sendWindow = SendWindow(sendWindow)
    self.receiveWindow = ReceiveWindow(receiveWindow)
  }

  /// Makes ready for another stream, and keeps the memory of the head.
  mutating func clear() {
    id = 0
    state = State()
    hasHandler = false
    head.clear()
    remainingLength = nil
    receivedLength = 0
    if !unread.isEmpty { unread = [] }
    (takenCount, collectedCount, headLength) = (0, 0, 0)
    if !trailers.isEmpty { trailers = HeaderFields() }
    readingError = nil
    trace = nil
    isRefused = false
    isDiscarding = false
    drainedLength = 0
    priority = Priority(isIncremental: true)
    unsent = []
    sentCount = 0
    (hasLastContent, isBrokenOff) = (false, false)
    responseTrailers = nil
    (hasContinued, hasResponse, sendsContent) = (false, false, false)
    (promisedLength, isTunnel, isAbandoned) = (nil, false, false)
    (contentDeadline, sendDeadline) = (0, 0)
    (receivePace, sendPace) = (Pace(), Pace())
  }
}
