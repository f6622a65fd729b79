using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace OtlpTap.Receive;

/// <summary>What a connection in the clear begins with.</summary>
internal enum Opening
{
    Unknown,

    /// <summary>Anything but the preface.</summary>
    Http1,

    /// <summary>The preface of HTTP/2 (RFC 9113, 3.4 "HTTP/2 Connection Preface").</summary>
    Http2,

    Gone,
}

/// <summary>Tells the versions of HTTP apart by the first bytes of a connection.</summary>
internal static class ConnectionOpening
{
    // Timers know no longer times than some weeks.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromDays(1);

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>Looks at the first bytes and leaves them where they are.</summary>
    /// <param name="silenceMax">How long the connection may say nothing.</param>
    public static async ValueTask<Opening> OfAsync(ConnectionContext connection, TimeSpan silenceMax, TimeProvider time)
    {
        var input = connection.Transport.Input;
        if (input.TryRead(out var first))
        {
            var opening = OpeningOf(first.Buffer);
            input.AdvanceTo(first.Buffer.Start, opening == Opening.Unknown ? first.Buffer.End : first.Buffer.Start);
            if (opening != Opening.Unknown)
            {
                return opening;
            }
        }

        // A server that stops asks its connections to close; nobody else would hear it here. That the other side has closed, reading
        // tells: who sends its request and then the end of it would else be taken for gone before what it said was read.
        using var silence = new CancellationTokenSource(silenceMax < SilenceMax ? silenceMax : SilenceMax, time);
        var closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var given = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, closing);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(given.Token);
                var opening = OpeningOf(read.Buffer);
                if (opening == Opening.Unknown && read.IsCompleted)
                {
                    opening = read.Buffer.IsEmpty ? Opening.Gone : Opening.Http1; // which will say what is wrong with it
                }

                input.AdvanceTo(read.Buffer.Start, opening == Opening.Unknown ? read.Buffer.End : read.Buffer.Start);
                if (opening != Opening.Unknown)
                {
                    return opening;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return Opening.Gone;
        }
        catch (IOException)
        {
            return Opening.Gone; // reset by the other side
        }
    }

    /// <summary>The first byte of a connection that has said something, which stays where it is; null where it is not there.</summary>
    public static byte? FirstByteOf(ConnectionContext connection)
    {
        if (!connection.Transport.Input.TryRead(out var read))
        {
            return null;
        }

        byte? first = read.Buffer.IsEmpty ? null : read.Buffer.FirstSpan[0];
        connection.Transport.Input.AdvanceTo(read.Buffer.Start);
        return first;
    }

    // No request of HTTP/1.1 begins like the preface: its first difference tells.
    private static Opening OpeningOf(in ReadOnlySequence<byte> input)
    {
        Span<byte> start = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(input.Length, Preface.Length);
        input.Slice(0, length).CopyTo(start);
        return !Preface.AsSpan().StartsWith(start[..length]) ? Opening.Http1
            : length == Preface.Length ? Opening.Http2
            : Opening.Unknown;
    }
}
