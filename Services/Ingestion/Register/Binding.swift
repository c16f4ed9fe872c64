import Model

/// Whom a partner's subject stands for, and what may be reported of them.
struct Binding {
    var resident: ResidentID
    var partition: Int
    var consents: Consents
}
