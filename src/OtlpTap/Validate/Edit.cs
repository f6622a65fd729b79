using OtlpTap.Otlp;

namespace OtlpTap.Validate;

/// <summary>What an <see cref="Edit"/> makes of the fields it covers.</summary>
internal enum EditKind : byte
{
    /// <summary>They are left out. <see cref="Edit.Value"/> is where their message's body starts.</summary>
    Cut,

    /// <summary>One <c>string</c> field: what is no UTF-8 in it becomes U+FFFD.</summary>
    MendText,

    /// <summary>One field: <c>Span.dropped_links_count</c> with <see cref="Edit.Value"/> stands in its place.</summary>
    DroppedLinksCount,
}

/// <summary>One stretch of whole fields of one message that is not to go on as it stands.</summary>
/// <param name="Start">Of the first field's tag, counted from the start of the request.</param>
/// <param name="End">Of the last field.</param>
/// <param name="Reason">Of a repair; of a rejection's cut the first one's, which is counted elsewhere.</param>
/// <param name="IsRepair">Whether the item lives on.</param>
internal readonly record struct Edit(int Start, int End, EditKind Kind, ulong Value, InvalidReason Reason, bool IsRepair);
