using System.Diagnostics.CodeAnalysis;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Validate;

/// <summary>
/// Looks a well-formed request over for single items that break the OTLP data model. What is looked at:
/// <list type="bullet">
/// <item>every <c>string</c> field at every depth is UTF-8, and every nested message well-formed and no deeper than parsers go;</item>
/// <item>a span has a trace id of 16 bytes and an id of 8, neither all zeros; ids that may be absent (a parent's, a log
/// record's, a link's, an exemplar's) are empty or of their length (all zeros is as good as absent);</item>
/// <item>a metric has a name; a sum or histogram says its temporality; a number data point and an exemplar have a value;
/// a histogram has one bucket more than bounds.</item>
/// </list>
/// What is not: empty names of spans, empty or duplicate keys, times, numbers and enumerations of any value. They break no
/// reader, and whether they make sense is the backend's to say.
/// <para>
/// A value that a resource or a scope holds concerns all items below it: where it cannot go on, they do not either.
/// </para>
/// </summary>
internal sealed class RequestValidator(OnInvalid policy)
{
    /// <summary>The longest message that an array can hold behind its frame header.</summary>
    private static readonly int LengthMax = Array.MaxLength - Payload.FrameHeaderLength;

    /// <summary>Null where nothing is invalid; then nothing is allocated.</summary>
    /// <param name="request">A request that the scan has taken.</param>
    public Findings? Check(Signal signal, ReadOnlySpan<byte> request)
    {
        var walk = new ValidityWalk(signal, request, mends: policy == OnInvalid.Repair);
        return walk.Run();
    }

    /// <summary>
    /// The request without what is invalid, with one reference held by the caller; the original keeps its own. All that
    /// is valid is copied byte for byte, fields that no schema knows among it. False where the result would be longer
    /// than an array holds, as U+FFFD takes three bytes in place of one.
    /// </summary>
    public static bool TryApply(Findings findings, Payload original, PayloadPool pool, [NotNullWhen(true)] out Payload? valid)
    {
        valid = null;
        var rewrite = new Rewrite(original.Span, findings.Edits);
        var length = rewrite.Measure();
        if (length > LengthMax)
        {
            return false;
        }

        valid = pool.Rent((int)length);
        rewrite.Write(valid.Writable);
        return true;
    }
}
