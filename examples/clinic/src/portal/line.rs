//! A connection that its handler can cut, and whose end it can wait for.
//!
//! axum hides the socket from a handler. Two of the portal's bad habits need it: hanging up after the commit
//! without an answer, and committing some time after the visitor has gone. So the listener wraps each socket in
//! a [`Wire`], and hands the handlers a [`Line`] to it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A handler's view of the connection that its request came by.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    cut: Arc<AtomicBool>,
    closed: watch::Receiver<bool>,
}

impl Line {
    /// Nothing more is written to this connection: the answer that the handler is about to give is thrown away,
    /// and the visitor sees the connection end.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// Returns once the connection is gone, whichever side ended it.
    pub(crate) async fn closed(&mut self) {
        // An error means that the sender is gone, and it lives in the connection.
        let _ = self.closed.wait_for(|closed| *closed).await;
    }
}

/// The socket of one visitor.
pub(crate) struct Wire {
    socket: TcpStream,
    cut: Arc<AtomicBool>,
    closed: watch::Sender<bool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closed.send_replace(true);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A listener on the loopback address that makes a [`Wire`] of every visitor.
pub(crate) struct Switchboard(pub(crate) TcpListener);

/// What the listener tells about a new connection, besides its socket.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(Line);

impl Listener for Switchboard {
    type Io = Wire;
    type Addr = Visitor;

    async fn accept(&mut self) -> (Wire, Visitor) {
        let (socket, _) = Listener::accept(&mut self.0).await;
        let cut = Arc::new(AtomicBool::new(false));
        let (closed, seen) = watch::channel(false);
        (Wire { socket, cut: Arc::clone(&cut), closed }, Visitor(Line { cut, closed: seen }))
    }

    fn local_addr(&self) -> io::Result<Visitor> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Switchboard {
    /// Listens on a port of this machine, 0 for any that is free.
    pub(crate) async fn listen(port: u16) -> io::Result<(Switchboard, SocketAddr)> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        Ok((Switchboard(listener), address))
    }
}

impl Connected<IncomingStream<'_, Switchboard>> for Line {
    fn connect_info(stream: IncomingStream<'_, Switchboard>) -> Line {
        stream.remote_addr().0.clone()
    }
}
