namespace OtlpTap.Forward.Http2;

/// <summary>Is told, with the transport's gate held, whether a transport has a connection that takes calls.</summary>
internal interface IConnectionWatcher
{
    void Connected();

    /// <summary>The last connection has ended, or none could be made.</summary>
    void Disconnected(string cause);
}
