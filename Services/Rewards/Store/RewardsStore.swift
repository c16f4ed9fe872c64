package import GRDB
import Streams

/// The tables of Rewards and every statement on them.
package enum RewardsStore {
    /// The tables of rewards' store.
    package static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("rewards 0001 points ledger") {
            try $0.execute(sql: ledgerTables)
        }
        migrator.registerMigration("rewards 0002 catalogue and orders") {
            try $0.execute(sql: shopTables)
        }
        migrator.registerMigration("rewards 0003 accounts settled behind the journal") {
            try $0.execute(sql: settlingTables)
        }
    }

    /// The ledger, shaped by the hot path, where an award changes three tables.
    ///
    /// - Accounts are numbered in the order in which they open, so that the keys of lots and the
    ///   rows of transfers are short, and a city's awards meet in few pages.
    /// - `lot` is clustered by partition, earned day and account (`LotPlace`). A day's awards meet
    ///   in that day's pages, and lots expire in the order in which they lie: expiry needs no
    ///   index. The price is paid by people: a resident's lots are read by one look-up each, along
    ///   `older`.
    /// - `transfer` only ever grows at its end. A resident's statement runs along `earlier`, from
    ///   the account's `newest_transfer`: an index by resident would dirty a page for each row.
    private static let ledgerTables = """
        CREATE TABLE account (
            number INTEGER PRIMARY KEY CHECK (number > 0),
            resident INTEGER NOT NULL UNIQUE CHECK (resident > 0),
            partition INTEGER NOT NULL CHECK (partition >= 0),
            balance INTEGER NOT NULL CHECK (balance >= 0),
            debt INTEGER NOT NULL CHECK (debt >= 0),
            awarded INTEGER NOT NULL CHECK (awarded >= 0),
            reversed INTEGER NOT NULL CHECK (reversed >= 0),
            spent INTEGER NOT NULL CHECK (spent >= 0),
            expired INTEGER NOT NULL CHECK (expired >= 0),
            newest_lot INTEGER,
            newest_transfer INTEGER NOT NULL,
            newest_order INTEGER NOT NULL,
            CHECK (awarded = spent + expired + reversed + balance - debt)
        ) STRICT;

        -- What an account earned on one local day; `older` is the day of its next older lot.
        CREATE TABLE lot (
            place INTEGER PRIMARY KEY CHECK (place > 0),
            awarded INTEGER NOT NULL CHECK (awarded > 0),
            remaining INTEGER NOT NULL CHECK (remaining BETWEEN 0 AND awarded),
            older INTEGER
        ) STRICT;

        -- Double entry: points leave one account and enter another, so the sum is always zero.
        -- Accounts of residents and debts belong to `account`, holds to the order. `day` is the lot
        -- that gives or takes; NULL where no lot does.
        CREATE TABLE transfer (
            number INTEGER PRIMARY KEY,
            posting INTEGER NOT NULL,
            source INTEGER NOT NULL CHECK (source BETWEEN 1 AND 7),
            target INTEGER NOT NULL CHECK (target BETWEEN 1 AND 7 AND target <> source),
            account INTEGER NOT NULL,
            reward_order INTEGER,
            day INTEGER,
            points INTEGER NOT NULL CHECK (points > 0),
            earlier INTEGER NOT NULL CHECK (earlier < number)
        ) STRICT;

        -- Balances of the kinds of account, folded: what each kind gave each other kind.
        CREATE TABLE flow (
            partition INTEGER NOT NULL,
            source INTEGER NOT NULL,
            target INTEGER NOT NULL,
            transfers INTEGER NOT NULL CHECK (transfers > 0),
            points INTEGER NOT NULL CHECK (points > 0),
            PRIMARY KEY (partition, source, target)
        ) STRICT, WITHOUT ROWID;

        -- What day it is, and up to which lot expiry has been posted.
        CREATE TABLE calendar (
            partition INTEGER PRIMARY KEY,
            last_ended INTEGER,
            latest_earned INTEGER,
            posted INTEGER NOT NULL
        ) STRICT;
        """

    /// `transfer` is the journal and always complete.
    ///
    /// Rows of `account` and `lot` follow it later:
    /// an account's row names the transfer up to which it and its lots have followed. What they
    /// have is what they say and what `tail` adds; only awards wait there.
    private static let settlingTables = """
        -- Every transfer up to this one is in accounts and lots: where a search for more begins.
        CREATE TABLE settled (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            transfer INTEGER NOT NULL CHECK (transfer >= 0)
        ) STRICT;
        INSERT INTO settled (id, transfer) SELECT 1, coalesce(max(number), 0) FROM transfer;

        -- The order of a CROSS JOIN is kept: it reads the end of the journal alone.
        CREATE VIEW tail AS
            SELECT transfer.number, transfer.account, account.resident, account.partition,
                transfer.day, transfer.points
            FROM transfer CROSS JOIN account
            WHERE transfer.number > (SELECT transfer FROM settled)
                AND account.number = transfer.account
                AND account.newest_transfer < transfer.number
                AND transfer.source = 1 AND transfer.target = 2;
        """

    /// Stock has no column: what is left is what was given less what is sold, so that stock can
    /// only move by differences, whichever catalogue was loaded when.
    private static let shopTables = """
        CREATE TABLE catalogue (
            number INTEGER PRIMARY KEY,
            version TEXT NOT NULL UNIQUE,
            document TEXT NOT NULL
        ) STRICT;

        -- Every item that any catalogue offered; the newest that did names it.
        CREATE TABLE item (
            code TEXT PRIMARY KEY,
            catalogue INTEGER NOT NULL REFERENCES catalogue (number),
            place INTEGER NOT NULL,
            name_zh TEXT NOT NULL,
            name_en TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('voucher', 'donation')),
            points INTEGER NOT NULL CHECK (points > 0),
            given INTEGER CHECK (given >= 0),
            sold INTEGER NOT NULL CHECK (sold >= 0 AND (given IS NULL OR sold <= given)),
            valid_days INTEGER NOT NULL CHECK ((valid_days > 0) = (kind = 'voucher'))
        ) STRICT, WITHOUT ROWID;

        -- `first_transfer` and `lots` name the transfers that filled the hold, lot by lot.
        CREATE TABLE reward_order (
            number INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            resident INTEGER NOT NULL,
            item TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('voucher', 'donation')),
            points INTEGER NOT NULL CHECK (points > 0),
            state TEXT NOT NULL
                CHECK (state = 'filled' OR (state = 'cancelled' AND kind = 'voucher')),
            day INTEGER NOT NULL,
            valid_until INTEGER CHECK ((valid_until IS NULL) = (kind = 'donation')),
            first_transfer INTEGER NOT NULL,
            lots INTEGER NOT NULL CHECK (lots > 0),
            earlier INTEGER NOT NULL CHECK (earlier < number)
        ) STRICT;
        """
}
