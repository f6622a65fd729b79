using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Advice;

/// <summary>
/// Which traces go without advice. By the trace's id alone, so that the agent, the tap and whoever reads the telemetry later
/// come to the same answer. Not by the id's own bits: samplers choose by those, and none of the traces held out might be seen.
/// </summary>
internal static class Holdout
{
    /// <summary>The first eight bytes of SHA-256 of <c>otlptap.holdout:</c> and the 32 lower-case hexadecimal digits, as a fraction of 2^64, lie below <paramref name="share"/>.</summary>
    public static bool Has(in TraceId traceId, double share)
    {
        if (share <= 0)
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes($"otlptap.holdout:{traceId}"), hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash) / Math.Pow(2, 64) < share;
    }
}
