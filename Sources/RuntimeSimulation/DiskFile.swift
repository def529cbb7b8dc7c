/// A file of a simulated disk: its bytes as a program sees them, and what of them would survive a crash.
final class DiskFile {
  /// What it is told from others by, in this run and in those that differ from it in a fault.
  let identity: Int
  /// The name that it was made with.
  let name: String
  let host: Int

  private(set) var bytes: [UInt8] = []
  /// What is there after a crash at least, as far as it goes: all changes up to the first in `changes`.
  private var durable: [UInt8] = []
  /// The changes that came after it, in their order.
  private var changes: [Change] = []
  /// How many changes there have been.
  private(set) var changeCount = 0
  /// The bytes that have ever been written to it.
  private(set) var writtenCount = 0
  /// How many operations there have been.
  private(set) var operationCount = 0
  /// The last opportunities for faults that there have been: of each kind, after how many bytes, and which it was there.
  private var occasions: [Fault.Kind: (position: Int, number: Int)] = [:]

  private struct Change {
    let number: Int
    let edit: Edit
    /// How many bytes had been written before, and how many changes since then.
    let position: Int
    let occasion: Int
    /// Whether it has been synced.
    var isDurable = false
    /// Whether a sync of it has failed: later ones do not try again.
    var isGivenUp = false
  }

  private enum Edit {
    case write([UInt8], at: Int)
    case truncation(to: Int)

    func apply(to bytes: inout [UInt8]) {
      switch self {
      case .write(let new, let offset):
        if bytes.count < offset + new.count {
          bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count)
        }
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
      case .truncation(let size):
        if size < bytes.count { bytes.removeLast(bytes.count - size) }
        bytes += [UInt8](repeating: 0, count: size - bytes.count)
      }
    }
  }

  /// - Parameter number: how many files of this name there have been on the host before.
  init(_ name: String, on host: Int, number: Int) {
    self.name = name
    self.host = host
    let text = name.utf8.reduce(UInt64(0)) { RandomNumbers.hash($0, UInt64($1)) }
    // Positive, as the owner of a place that is no datagram socket's.
    identity = Int(RandomNumbers.hash(UInt64(host), UInt64(number), text) >> 1)
  }

  // MARK: Operations

  func write(_ new: [UInt8], at offset: Int) {
    change(.write(new, at: offset))
    writtenCount += new.count
  }

  func truncate(to size: Int) { change(.truncation(to: size)) }

  private func change(_ edit: Edit) {
    edit.apply(to: &bytes)
    changeCount += 1
    let occasion = changes.last.map { $0.position == writtenCount ? $0.occasion + 1 : 0 } ?? 0
    changes.append(Change(number: changeCount, edit: edit, position: writtenCount, occasion: occasion))
  }

  /// Has the first `count` changes survive whatever comes, but for those that a sync has given up.
  func sync(_ count: Int) {
    for index in changes.indices where changes[index].number <= count && !changes[index].isGivenUp {
      changes[index].isDurable = true
    }
    let settled = changes.prefix { $0.isDurable }
    for change in settled { change.edit.apply(to: &durable) }
    changes.removeFirst(settled.count)
  }

  /// Has no later sync care for the first `count` changes that have not been synced.
  func giveUp(_ count: Int) {
    for index in changes.indices where changes[index].number <= count { changes[index].isGivenUp = true }
  }

  // MARK: Faults

  /// Where its next operation is.
  func nextOperation() -> Fault.Place {
    operationCount += 1
    return Fault.Place(owner: identity, occasion: operationCount)
  }

  /// Where the next opportunity for a fault is.
  func place(of kind: Fault.Kind) -> Fault.Place {
    let last = occasions[kind]
    let number = last?.position == writtenCount ? (last?.number ?? 0) + 1 : 0
    occasions[kind] = (writtenCount, number)
    return Fault.Place(owner: identity, position: writtenCount, occasion: number)
  }

  /// Leaves of it what the seed has a crash leave: each change that was not synced is kept, lost or, if it is a write, kept in
  /// part, whatever becomes of the others.
  func crash(_ network: SimulatedNetwork) {
    let plan = network.faults.plan
    bytes = durable
    for change in changes {
      guard !change.isDurable else {
        change.edit.apply(to: &bytes)
        continue
      }
      let place = Fault.Place(owner: identity, position: change.position, occasion: change.occasion)
      if network.fault(.lostWrite, plan.lostWrites, at: place, inFile: self) != nil { continue }
      if case .write(let new, let offset) = change.edit, new.count > 1,
        let fault = network.fault(.tornWrite, plan.tornWrites, at: place, inFile: self)
      {
        let count = 1 + network.faults.amount(fault, upTo: new.count - 2)
        Edit.write(Array(new[..<count]), at: offset).apply(to: &bytes)
      } else {
        change.edit.apply(to: &bytes)
      }
    }
    durable = bytes
    changes = []
  }
}

extension DiskFile: CustomStringConvertible {
  var description: String { "\"\(name)\" of host \(host)" }
}
