/// The bounds that hold for every socket; those of a role are in `Options`.
package enum Limits {
    /// Of an ipc endpoint: the size of `sun_path`, less its terminating zero.
    package static let ipcPathBytesMax = 107
    /// Of a subscription, far below the 246 to 255 bytes that libzmq 4.3.4 never matches.
    package static let topicBytesMax = 64
    /// Of a ZAP domain.
    package static let zapDomainBytesMax = 255
    /// Of the name that an authenticator gives a peer.
    package static let userIDBytesMax = 255
    /// Of a file with one key in it: more than the key with white space around it.
    package static let keyFileBytesMax = 256
}
