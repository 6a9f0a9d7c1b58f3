//! Faults planted on purpose, at the seams around the core, to prove that the checker catches each kind. In brackets: the
//! invariant that is broken, or the answer of section 3 of the guarantees that meant nothing.

/// What is done to the node behind its back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    #[default]
    None,
    /// The log says that everything appended is durable at once (I8, so I1).
    LieAboutDurability,
    /// Recovery overlooks every seventh message (I1).
    OverlookMessages,
    /// Recovery overlooks every settlement (I3).
    OverlookSettles,
    /// Recovery overlooks definitions of queues and bindings now and then (I10).
    OverlookDefinitions,
    /// Records of a group are written as if each stood alone (I6).
    SplitGroups,
    /// Some deliveries come with a byte changed (I2).
    ChangeBodies,
    /// Some deliveries come twice (I4).
    DeliverTwice,
    /// The mark of a second delivery is missing (I4).
    HideRedelivery,
    /// Two deliveries that come together change places (I5).
    SwapDeliveries,
    /// Some deliveries never reach their consumer though its session goes on (I1).
    SwallowDeliveries,
    /// Recovery overlooks under which tokens clients have published (PUBREC).
    OverlookTaken,
    /// Recovery overlooks that clients have released tokens of their own (PUBREC).
    OverlookForgotten,
    /// Recovery overlooks which tokens of the broker clients still have to forget (PUBCOMP).
    OverlookReleased,
    /// The answer of a client to a message under a token settles it, and nothing keeps the token (PUBCOMP).
    DropReleases,
    /// Recovery overlooks wills (SUBACK).
    OverlookWills,
    /// Recovery overlooks that wills were published or taken back (SUBACK, I3).
    OverlookWithdrawnWills,
    /// A will goes out though its client took it back (SUBACK).
    PublishWithdrawnWills,
    /// Recovery overlooks some retained messages (PUBACK).
    OverlookRetained,
    /// Recovery overlooks branches that were prepared (I6).
    OverlookBranches,
    /// Recovery overlooks decisions about branches (I6).
    OverlookDecisions,
    /// Recovery overlooks scheduled messages (I1).
    OverlookScheduled,
    /// Recovery overlooks that scheduled messages have come or were taken away (I3).
    OverlookCome,
    /// Scheduled messages come after half of their delay (F6).
    HurrySchedules,
    /// The mark of a scheduled message that comes again is missing (I4).
    HideRepeats,
    /// Consumers of several queues may have one delivery more than they asked for (I11).
    WidenWindows,
    /// Recovery overlooks that clients were forgotten (SUBACK).
    OverlookEnds,
}
