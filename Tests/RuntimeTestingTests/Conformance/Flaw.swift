/// A way to break one promise, and how the conformance suite has to report it.
enum Flaw: String, CaseIterable, Codable, Sendable {
  // Executor
  case runsJobsAtOnce, runsAnOperationTwice, forgetsATask, leavesChildrenElsewhere, ignoresACancelledHandle,
    miscountsTasks
  case startsTasksWithoutTheirNames, startsTasksWithoutTheirValues
  case forgetsWhatWorkersDid, leavesAStuckWorkerAlone, looksRarely
  case yieldsToNone, yieldsToNoneWhenCancelled, yieldsForEver, yieldsForEverElsewhere
  // Timers
  case wakesEarly, wakesEarlyByTolerance, keepsOneTimer, waitsForThePast, takesLongForNothing, sleepsOnAWorker
  case wakesAllWhenOneIsCancelled, spinsForNoTime, keepsATimerATask, hasClocksOutOfStep
  // Streams
  case endsEarly, overwritesTheBuffer, waitsWithoutRoom, closesBothHalves, finishesNothing, dropsBytes, swapsPieces
  case takesAllThatIsWritten, takesAByteToSeeWhetherThereIsOne, takesNothingForTheEnd, writesMoreThanItSays
  case queuesReaders, writesIntoNothing, givesNoTurn, losesCountOfACancelledWrite
  case readsOnlyWhenWaitedOn, writesOnlyWhenWaitedOn
  // Listeners and addresses
  case doesNotSayItsPort, sharesPorts, losesTheFirstConnection, listensOnWhenClosed, leavesItsName, mistakesThePeer
  case sharesPortsOfAllAddresses, sharesNoPorts, closesListenersLater, mistakesThePeersProcess
  case listensBesideWhatItInherits, removesNamesItInherits, takesWhateverItInherits
  // Names
  case knowsNoNames, cutsHostNames, triesNoAddress
  // Names of sockets
  case replacesFiles, replacesListeners, removesItsSuccessor, leavesNamesAtItsEnd, cutsPaths, losesAbstractNames
  // Datagrams
  case mistakesTheSender, overlooksEmptyDatagrams, hidesThatItCuts, hearsStrangers, sendsTheFirstPart
  case overlooksRefusals, losesDatagramsOfCancelledReceives, sendsThoughItIsCancelled, queuesReceivers
  case saysCancelledOfAClosedSocket, failsToReceiveWhenCancelled, neverGivesADatagramsTurn, sharesDatagramPorts
  case leavesADatagramSocketsName, replacesOpenSockets, receivesAfterItsEnd, dropsWhatThereIsNoRoomFor
  // Cancellation
  case ignoresACancelledRead, losesBytesOfACancelledRead, losesBytesOfFewCancelledReads, ignoresACancelledAccept,
    ignoresACancelledSleep
  case failsBecauseItIsCancelled
  // Closing
  case saysCancelledWhenClosed, endsWhenClosed, closesTwice, closesNothingOfItself, closesNothingOrderly
  // Blocking work
  case blocksAWorker, blocksOneAtATime, ignoresACancelledWait, beginsInVain, worksTwice
  case refusesNoWork, doesWhatItRefuses, forgetsItsRefusals, refusesForEver
  // Shutdown
  case leavesSleeps, sleepsOutItsGrace, hasNoGrace, waitsForItself, returnsBeforeTheEnd, waitsForAllTasks
  case waitsForItselfElsewhere, waitsForItselfOnTheMainActor, waitsForOthersThatShutItDown, takesGuestsForItsOwn
  case takesOrphansForItsOwn, endsOnBorrowedThreads, waitsForLessThanNoTime
  case dropsWhatIsReadyAfterItsEnd
  // Threads, leaks and faults
  case saysFewerWorkers, sleepsOnAThread, keepsOperations, leaksDescriptors, leaksDescriptorsOfDatagrams
  case takesAResetForTheEnd
  case endsWhereItIsToReset

  /// The broken promise, and a part of the report.
  var verdict: (promise: String, finding: String) {
    switch self {
    case .runsJobsAtOnce:
      (
        "spawn and execute return at once, and the task runs by itself",
        "a job that is handed to the runtime's executor: expected to run once `enqueue` has returned, saw it run within"
      )
    case .runsAnOperationTwice:
      (
        "Each task runs exactly once, wherever it is started",
        "ran, of those that did not run once: expected [], saw [2"
      )
    case .forgetsATask:
      (
        "Work that arrives just as the workers fall asleep is run",
        "a task that is started when there is no other: expected it to end, saw nothing in"
      )
    case .leavesChildrenElsewhere:
      (
        "A task and its children are on the runtime's executor after every await",
        "whether a task's executor is the runtime's: expected true, saw false"
      )
    case .ignoresACancelledHandle:
      (
        "Cancelling a task's handle cancels the task",
        "whether the task is cancelled: expected true"
      )
    case .miscountsTasks:
      ("A runtime counts the tasks that have not ended", "the tasks of a new runtime: expected 0, saw 1")
    case .startsTasksWithoutTheirNames:
      (
        "A task has the name and the priority that it was started with",
        "the task's own name: expected Optional(\"mine\"), saw nil"
      )
    case .startsTasksWithoutTheirValues:
      (
        "A task inherits task-local values only if its options say so",
        "the value in a task that inherits: expected 1, saw 0"
      )
    case .forgetsWhatWorkersDid:
      ("Counters of workers never decrease", "jobs, steals, parks and wakes by worker: expected no less than")

    case .yieldsToNone:
      (
        "Yielding on the runtime in a loop lets other tasks run",
        "whether another task ran beside loops of yields: expected true, saw false"
      )
    case .yieldsToNoneWhenCancelled:
      (
        "A cancelled task yields like any other",
        "whether another task ran beside loops of yields of cancelled tasks: expected true, saw false"
      )
    case .yieldsForEver:
      (
        "A task that yields continues, whether or not another one is ready",
        "a task that yields when no other is ready: expected it to end, saw nothing in"
      )
    case .yieldsForEverElsewhere:
      (
        "A yield returns wherever it is called",
        "a yield of a foreign task: expected it to end, saw nothing in"
      )

    case .leavesAStuckWorkerAlone:
      (
        "A worker stuck in a job delays nothing that another worker could do",
        "an echo while a worker is stuck: expected “x”, saw nothing in"
      )
    case .looksRarely:
      (
        "An expired sleep waits for a few jobs at most, however long they are",
        "how many jobs of two milliseconds ran before an expired sleep ended: expected at most"
      )

    case .wakesEarly: ("A sleep on the runtime's clock is never early", "expected no shorter, saw")
    case .wakesEarlyByTolerance: ("A tolerance does not make a sleep end early", "expected no shorter, saw")
    case .keepsOneTimer:
      (
        "A short sleep ends in time even if a long one began before it",
        "a sleep of 2 ms from outside: expected it to end, saw nothing in"
      )
    case .waitsForThePast:
      (
        "Sleeping for zero time, or until a past time, does not wait",
        "a sleep of -5 s: expected it to end, saw nothing in"
      )
    case .takesLongForNothing:
      (
        "A sleep that is too long to be counted waits like any other",
        "the sleep of 70 thousand million years: expected CancellationError, saw no error"
      )
    case .sleepsOnAWorker:
      // Either tasks beside the sleepers wait too long, or the sleepers end before they are cancelled.
      ("A sleeping task leaves its worker to others", "sleep: expected")
    case .wakesAllWhenOneIsCancelled:
      (
        "Cancelling some sleeps does not affect others",
        "cancelled: expected"
      )

    case .spinsForNoTime:
      (
        "Sleeping for zero time in a loop lets other tasks run",
        "whether another task ran beside loops of sleeps of 0.0 seconds: expected true, saw false"
      )

    case .keepsATimerATask:
      (
        "A timeout on the runtime's clock cancels only what takes longer",
        "expected it to end, saw nothing in"
      )
    case .hasClocksOutOfStep:
      (
        "Ticks on the runtime's clock are a period apart, and never early by that clock",
        "the clock at a tick: expected no earlier than it, saw -"
      )

    case .endsEarly:
      ("A read returns 0 bytes only at the end, and otherwise waits", "what the reader gets: expected “")
    case .overwritesTheBuffer:
      (
        "A read appends to the buffer and returns the number of bytes",
        "how many bytes the buffer holds: expected 6, saw 3"
      )
    case .waitsWithoutRoom:
      (
        "A read into a full buffer returns 0 at once and consumes nothing",
        "such a read with no byte available: expected “”, saw nothing in"
      )
    case .closesBothHalves:
      (
        "Closing one direction does not affect the other",
        "what it writes afterwards: expected “still there”, saw the error “read: closed”"
      )
    case .finishesNothing: ("After the end every read returns 0", "a read after the end: expected “”, saw nothing in")
    case .dropsBytes:
      ("Many small writes arrive completely and in order", "all that was written: expected 8890 bytes, saw 88")
    case .swapsPieces:
      (
        "A write of two spans writes them in order, whatever their sizes",
        "all that was written: expected 1500005 bytes, saw 1500005 bytes, the first difference at index 300001"
      )
    case .takesAllThatIsWritten:
      (
        "A write waits while the peer does not read",
        "megabytes written to a peer that reads nothing: expected less than 64, saw 64"
      )
    case .takesAByteToSeeWhetherThereIsOne:
      ("waitUntilReadable waits for bytes and consumes none", "the first byte: expected “a”, saw “b”")
    case .takesNothingForTheEnd:
      (
        "tryRead returns the available bytes, and nil rather than 0 if there are none",
        "tryRead where nothing has been sent: expected nil, saw “”"
      )
    case .givesNoTurn:
      ("A loop of waitUntilReadable and tryRead reads everything", "what the loop reads: expected 3000 bytes")
    case .readsOnlyWhenWaitedOn:
      ("A loop of tryRead and sleeps reads everything", "what the loop reads: expected 3000 bytes")
    case .writesOnlyWhenWaitedOn:
      ("A loop of tryWrite and sleeps writes everything", "how many bytes the loop writes: expected 3000")
    case .writesMoreThanItSays:
      (
        "tryWrite writes the prefix that it reports, and stops when it would have to wait",
        "what the peer reads: expected"
      )
    case .queuesReaders:
      (
        "Of two concurrent reads, one fails as busy and the other completes",
        "one of two readers: expected it to end, saw nothing in"
      )
    case .writesIntoNothing:
      (
        "Writing to a peer that has closed fails with an error, not a signal",
        "writing again and again: expected “write: Broken pipe (errno 32)” or “write: Connection reset by peer (errno 104)”"
      )

    case .doesNotSayItsPort:
      ("With port 0 the system chooses a port, which the listener reports", "the port of 127.0.0.1:0: expected one")
    case .sharesPorts:
      (
        "Listening on an address in use is refused",
        "listening on the same port: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .sharesPortsOfAllAddresses:
      (
        "Listening on all addresses beside a listener on one, or the other way round, is refused",
        "expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .sharesNoPorts:
      (
        "Listeners with reusePort share a port, and the last one keeps it alone",
        "listening on its port too: expected it to end, saw the error “bind: Address already in use (errno 98)”"
      )
    case .losesTheFirstConnection:
      (
        "Connections are accepted whether they arrive before or during an accept",
        "accepting what has connected: expected it to end, saw nothing in"
      )
    case .listensOnWhenClosed:
      (
        "Connecting to an address without a listener is refused",
        "expected “connect: Connection refused (errno 111)”, saw no error, and a stream to 127.0.0.1:"
      )
    case .leavesItsName:
      (
        "The name of a Unix-domain socket exists exactly while its listener is open",
        "the name once the listener is closed: expected gone, saw it"
      )
    case .closesListenersLater:
      (
        "The address of a listener is free once closeAndWait has returned",
        "listening on an address that is free again: expected it to end, saw the error “bind: Address already in use (errno 98)”"
      )
    case .listensBesideWhatItInherits:
      (
        "Listening on an inherited socket keeps its address and its waiting connections",
        "the listener's address: expected"
      )
    case .removesNamesItInherits:
      (
        "Closing the listener of an inherited socket keeps the socket's name",
        "the name of the socket afterwards: expected"
      )
    case .takesWhateverItInherits:
      (
        "An inherited descriptor that is not a listening socket is rejected",
        "listening on a socket that does not listen: expected “listen: Invalid argument (errno 22)”, saw no error"
      )
    case .mistakesThePeersProcess:
      (
        "The peer credentials of a Unix-domain stream are correct",
        "the process at the other end: expected PeerCredentials(processID:"
      )
    case .losesCountOfACancelledWrite:
      (
        "A cancelled writeSome has written nothing",
        "how much the peer reads of what was counted: expected"
      )
    case .endsWhereItIsToReset:
      (
        "A stream with resetsOnClose resets the connection when it closes",
        "a read of the peer: expected “read: Connection reset by peer (errno 104)”, saw"
      )
    case .knowsNoNames:
      (
        "Connecting by host name finds the address that is listened on",
        "connecting to localhost: expected it to end, saw the error “resolve: \"localhost\": "
      )
    case .cutsHostNames:
      (
        "Connecting to a name without an address fails with an error that says so",
        "the error of connecting to \"localhost\\0.example\": expected Optional(resolve), saw Optional(connect)"
      )
    case .triesNoAddress:
      (
        "If no address of a host is listened on, the error names the attempts",
        "the addresses that were tried: expected 127.0.0.1:"
      )
    case .closesNothingOfItself:
      ("A stream is closed once closeAndWait has returned", "a read: expected “read: closed”, saw nothing in")
    case .replacesFiles:
      (
        "Listening on the name of a file that is not a socket is refused and keeps the file",
        "listening on the name of a regular file: expected “bind: File exists (errno 17)” or “bind: Address already in"
      )
    case .replacesListeners:
      (
        "Of several concurrent listens on an abandoned name, one succeeds",
        "how many of 4 listen on one name: expected 1, saw"
      )
    case .removesItsSuccessor:
      (
        "Closing a listener does not remove another file that has taken its name",
        "the file that has the name when the first listener is closed: expected"
      )
    case .leavesNamesAtItsEnd:
      (
        "Shutting down a runtime removes the names of its sockets",
        "the name once the runtime is shut down: expected nil, saw"
      )
    case .cutsPaths:
      (
        "A path that no socket can have is rejected, not truncated",
        "bytes: expected refused as such, saw no error"
      )
    case .losesAbstractNames:
      (
        "Abstract names have the given length and read back unchanged",
        "the listener's address: expected unix:@gearbox-"
      )
    case .mistakesThePeer:
      ("Over IPv4 both ends know both addresses", "the peer's address, where it was connected: expected")

    case .mistakesTheSender:
      (
        "A received datagram has its sender's address and can be answered",
        "what is received over UDP: expected Datagram("
      )
    case .overlooksEmptyDatagrams:
      (
        "Datagrams keep their boundaries and may be empty",
        "what comes of 0 bytes over UDP: expected “”, saw “\0”"
      )
    case .hidesThatItCuts:
      (
        "A datagram longer than the buffer is truncated and marked as such, and the next is whole",
        "the receipt: expected DatagramReceipt(byteCount: 10"
      )
    case .hearsStrangers:
      (
        "A connected socket sends to its peer and receives only from it",
        "what it receives over UDP: expected Datagram("
      )
    case .sendsTheFirstPart:
      (
        "A datagram that is too long is rejected as a whole, and the socket still works",
        "sending 4 MB over UDP: expected “send: Message too long (errno 90)”, saw no error"
      )
    case .overlooksRefusals:
      (
        "A missing peer is reported once, and the socket still works",
        "a receive: expected “receive: Connection refused (errno 111)”, saw nothing in"
      )
    case .losesDatagramsOfCancelledReceives:
      (
        "Cancelling ends a receive, which has then taken no datagram",
        "receiving the rest over UDP: expected it to end, saw nothing in"
      )
    case .sendsThoughItIsCancelled:
      (
        "Cancelling ends a waiting send, which has then sent nothing",
        "what comes of what was sent: expected “"
      )
    case .dropsWhatThereIsNoRoomFor:
      (
        "A send that waits for room completes once there is some, whichever socket filled the queue",
        "receiving what was sent once there was room: expected it to end, saw nothing in"
      )
    case .queuesReceivers:
      (
        "Of two concurrent receives or sends, one fails as busy and the other completes",
        "one of two receivers: expected it to end, saw nothing in"
      )
    case .saysCancelledOfAClosedSocket:
      (
        "Closing a datagram socket ends pending operations, and later ones fail at once",
        "a receive: expected “receive: closed”, saw the error “receive: cancelled”"
      )
    case .failsToReceiveWhenCancelled:
      (
        "A datagram operation that can finish at once succeeds in a cancelled task",
        "a receive of what is there: expected “x”, saw the error “receive: cancelled”"
      )
    case .neverGivesADatagramsTurn:
      (
        "Tasks that never have to wait for a datagram let others run",
        "whether another task ran beside loops of datagrams: expected true, saw false"
      )
    case .sharesDatagramPorts:
      (
        "A datagram socket owns its address until it is closed",
        "binding another to it: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .leavesADatagramSocketsName:
      (
        "The name of a Unix-domain datagram socket exists exactly while it is open",
        "the name once it is closed: expected nil, saw"
      )
    case .replacesOpenSockets:
      (
        "Binding a datagram socket replaces an abandoned socket, but not an open one",
        "binding while it is open: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .receivesAfterItsEnd:
      (
        "Shutting down ends pending receives and closes datagram sockets",
        "the shutdown: expected it to end, saw nothing in"
      )

    case .ignoresACancelledRead:
      ("Cancelling ends a read", "a read whose task is cancelled: expected “read: cancelled”, saw nothing in")
    case .losesBytesOfACancelledRead, .losesBytesOfFewCancelledReads:
      ("A cancelled read consumes no bytes", "all that was read: expected 5000 bytes")
    case .ignoresACancelledAccept:
      (
        "Cancelling ends an accept without affecting the next one",
        "an accept whose task is cancelled: expected “accept: cancelled”, saw nothing in"
      )
    case .ignoresACancelledSleep:
      ("Cancelling ends a sleep", "a sleep whose task is cancelled: expected CancellationError, saw nothing in")
    case .failsBecauseItIsCancelled:
      (
        "An operation that can finish at once succeeds in a cancelled task",
        "a read of what is there: expected “x”, saw the error “read: cancelled”"
      )

    case .saysCancelledWhenClosed:
      (
        "Closing a listener ends a pending accept",
        "an accept: expected “accept: closed”, saw the error “accept: cancelled”"
      )
    case .endsWhenClosed:
      (
        "Closing a stream ends a pending read",
        "a read during which the stream is closed: expected “read: closed”, saw no error"
      )
    case .closesNothingOrderly:
      (
        "closeOrderly closes a stream at once, and the peer reads its end",
        "a read during which it is closed: expected “read: closed”, saw nothing in"
      )
    case .closesTwice:
      ("Closing a stream never affects another", "whether streams carry their own bytes while others are closed")

    case .blocksAWorker:
      (
        "Blocking work does not delay tasks",
        "whether a task and a sleep ended while work blocked: expected true"
      )
    case .blocksOneAtATime:
      (
        "Fifty pieces of blocking work can wait for each other",
        "whether all fifty ran at the same time: expected true"
      )
    case .ignoresACancelledWait:
      (
        "Cancelling ends the wait for blocking work that is still running",
        "the wait, while the work still blocks: expected CancellationError"
      )
    case .beginsInVain:
      (
        "Blocking work that a cancelled task requests never begins",
        "how much of that work began: expected 0, saw 50"
      )
    case .worksTwice:
      ("Each of many pieces of blocking work runs exactly once", "how often the work was done: expected 500, saw 1000")

    case .refusesNoWork:
      ("Blocking work beyond a limit is refused at once", "calls were refused: expected at least one, saw 0")
    case .doesWhatItRefuses:
      ("Work that is refused never begins, and all other work is done", "how much of it began: expected")
    case .forgetsItsRefusals: ("A runtime counts the work that it refuses", "the refused calls: expected")
    case .refusesForEver:
      (
        "A runtime that has refused work accepts more once calls are cancelled or done",
        "a call after those that waited were cancelled: expected 7, saw the error “blocking work refused"
      )

    case .leavesSleeps: ("Shutting down ends accepts and sleeps", "the shutdown: expected it to end, saw nothing in")
    case .sleepsOutItsGrace:
      (
        "Shutting down an idle runtime does not wait for the grace period",
        "the shutdown: expected it to end, saw nothing in"
      )
    case .hasNoGrace:
      ("Shutdown waits for tasks during the grace period", "how many of 10 tasks had ended by then: expected 10, saw")
    case .waitsForItself:
      ("A runtime's own task can shut it down", "the task that shuts down: expected it to end, saw nothing in")
    case .returnsBeforeTheEnd:
      (
        "Concurrent shutdowns all return once the runtime's tasks have ended",
        "had ended when each returned: expected [true, true, true, true], saw ["
      )
    case .waitsForItselfElsewhere:
      (
        "A runtime's task that shuts it down through other tasks does not wait for itself",
        "the task that shuts down by a Task { } that it awaits: expected it to end, saw nothing in"
      )
    case .waitsForItselfOnTheMainActor:
      (
        "A runtime's task that shuts it down on the main actor does not wait for itself",
        "the task that shuts down on the main actor: expected it to end, saw nothing in"
      )
    case .waitsForOthersThatShutItDown:
      (
        "Tasks of a runtime that shut it down concurrently do not wait for each other",
        "one of 3 tasks that shut down: expected it to end, saw nothing in"
      )
    case .takesGuestsForItsOwn:
      (
        "A foreign task that prefers the runtime's executor waits for the runtime's tasks",
        "whether the runtime's task had ended when the shutdown returned: expected true, saw false"
      )
    case .takesOrphansForItsOwn:
      (
        "A Task { } that has outlived the runtime's task that started it waits for the others",
        "whether the runtime's task had ended when the shutdown returned: expected true, saw false"
      )
    case .endsOnBorrowedThreads:
      (
        "However many shutdowns are waiting, another one completes",
        "expected it to end, saw nothing in"
      )
    case .waitsForLessThanNoTime:
      ("A negative grace period ends at once", "the shutdown: expected it to end, saw nothing in")
    case .dropsWhatIsReadyAfterItsEnd:
      (
        "A task woken after shutdown runs even if another one keeps its worker",
        "a task that is woken: expected it to end, saw nothing in"
      )
    case .waitsForAllTasks:
      (
        "The grace period bounds shutdown even if a task blocks its worker",
        "the shutdown: expected it to end, saw nothing in"
      )
    case .saysFewerWorkers:
      (
        "At most one task per worker runs at a time: after a start",
        "how many ran at once: expected at most 1, saw 2"
      )
    case .sleepsOnAThread: ("A sleep uses no thread", "the threads for a thousand sleeps: expected a few, saw")
    case .keepsOperations:
      (
        "A task's captures are released when it ends, however it ends",
        "waiting for the captures of 250 tasks to be released: expected it to end, saw nothing in"
      )
    case .leaksDescriptors:
      (
        "Closed connections leave no descriptor open",
        "how many more descriptors there are after 20 connections: expected no more than a few, saw"
      )
    case .leaksDescriptorsOfDatagrams:
      (
        "Datagram sockets that are closed, dropped or refused leave no descriptor open",
        "how many more descriptors there are after 20 datagram sockets: expected no more than a few, saw"
      )
    case .takesAResetForTheEnd:
      (
        "A peer's reset is an error of a read, not the end of the stream",
        "the read: expected “read: Connection reset by peer (errno 104)”, saw no error"
      )
    }
  }

  /// Whether it harms the process, so that no other tests should run in it.
  var harmsItsProcess: Bool {
    switch self {
    case .closesTwice, .leaksDescriptors, .leaksDescriptorsOfDatagrams, .sleepsOnAThread, .endsOnBorrowedThreads: true
    case .refusesNoWork, .doesWhatItRefuses, .forgetsItsRefusals, .refusesForEver: true
    default: false
    }
  }

  /// Whether the case waits in vain, until the watchdog or its own time limit ends the wait.
  var keepsWaiting: Bool {
    switch self {
    case .sleepsOnAWorker, .blocksAWorker, .blocksOneAtATime, .ignoresACancelledWait, .ignoresACancelledHandle: true
    default: !harmsItsProcess && verdict.finding.hasSuffix("saw nothing in")
    }
  }
}
