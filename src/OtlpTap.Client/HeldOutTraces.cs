using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace OtlpTap.Client;

/// <summary>
/// Which traces go without advice, so that its effect can be measured: the tap comes to the same answer by the trace's id, and
/// counts them apart. The hash of a trace is computed once and remembered until another trace takes its place.
/// </summary>
internal sealed class HeldOutTraces
{
    // By the last two digits of the id: a process works on fewer traces at a time than that.
    private readonly Entry?[] _recent = new Entry?[256];

    /// <param name="share">Of all traces, 0 to 1.</param>
    public bool Has(ActivityTraceId trace, double share)
    {
        if (share <= 0)
        {
            return false;
        }

        var hex = trace.ToHexString();
        ref var recent = ref _recent[(Digit(hex[^2]) << 4) | Digit(hex[^1])];
        var entry = Volatile.Read(ref recent);
        if (entry is null || entry.Trace != hex)
        {
            entry = new Entry(hex, FractionOf(hex));
            Volatile.Write(ref recent, entry);
        }

        return entry.Fraction < share;
    }

    // Lower-case hexadecimal.
    private static int Digit(char digit) => (digit & 0xf) + ((digit >> 6) * 9);

    /// <summary>The first eight bytes of SHA-256 of <c>otlptap.holdout:</c> and the 32 digits, as a fraction of 2^64.</summary>
    private static double FractionOf(string hex)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes("otlptap.holdout:" + hex), hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash) / Math.Pow(2, 64);
    }

    private sealed record Entry(string Trace, double Fraction);
}
