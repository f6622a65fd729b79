using System.Net;

namespace OtlpTap.Hosting;

/// <summary>Where a receiver takes a protocol, in words for who sends it to the port of the other one.</summary>
internal static class RightPort
{
    /// <param name="bound">Null where the receiver has it not.</param>
    public static string Of(string protocol, EndPoint? bound) => bound switch
    {
        null => $"this receiver has no {protocol}",
        IPEndPoint any when any.Address.Equals(IPAddress.Any) || any.Address.Equals(IPAddress.IPv6Any) => $"{protocol} is on port {any.Port}",
        _ => $"{protocol} is on {bound}",
    };
}
